# Attributes of the user's own, which few Values have: those that do keep them in the place of
# their label. What they may not be, and why, is said in attributes.py. Included by _engine.pyx.


cdef class _Extras:
    cdef object label
    cdef dict attributes

    def __cinit__(self, label):
        self.label = label
        self.attributes = {}


# A type without __getattr__ has its methods called faster. So Value gets its own back with the
# first attribute of the user's that is set.

cdef getattrofunc _getattr = (<PyTypeObject*>Value).tp_getattro
(<PyTypeObject*>Value).tp_getattro = PyObject_GenericGetAttr


cdef void _look_into_extras() noexcept:
    if (<PyTypeObject*>Value).tp_getattro is not _getattr:
        (<PyTypeObject*>Value).tp_getattro = _getattr
        PyType_Modified(<PyTypeObject*>Value)


cdef int _set_own(Value node, name, attribute) except -1:
    """An attribute that failed to be set: one of the user's own, unless the class has it. What is
    raised by then is caught here, where it costs the numbers that are set all the time nothing."""
    try:
        raise_what_is_set()
    except AttributeError:
        if hasattr(type(node), name):
            raise
        attributes.check_attribute(name, attribute)
        if type(node._label) is not _Extras:
            _look_into_extras()
            node._label = _Extras(node._label)
        (<_Extras>node._label).attributes[name] = attribute
    return 0
