# The twin of checks.py. Included by _passes.pyx.


def check_nodes(order, parameters):
    """Raise where the graph cannot be evaluated again, or not be differentiated, as recorded."""
    cdef object node, operation
    cdef tuple parents
    for node, is_pole in unconfirmed(order, parameters):
        operation, parents = node.operation, node.parents
        if not _is_unchanged(node, operation, parents, node.local_derivatives):
            check_node(node)
        if is_pole:
            refuse_infinite_slopes(node)


cdef bint _is_unchanged(object node, object operation, tuple parents, tuple slopes) except -1:
    """Whether a node is what its parents' data give; of a choice that is not looked at."""
    function, fixed = operation.function, operation.parameters
    if function is WHERE:
        return False
    numbers = [parent.data for parent in parents]
    value = function.value(*numbers, *fixed)
    return value == node.data and function.partials(*numbers, *fixed) == slopes
