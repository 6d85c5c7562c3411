# cython: language_level=3, wraparound=False, initializedcheck=False
"""The passes that look at every node, compiled: the twins of those that read.

They give the same nodes in the same order. What is rare (a constant among the operands, a
function that has simpler forms, a branch that is not taken) is left to the rules of lowering.py.
"""

from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.math cimport isfinite
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy

from heapq import heappop, heappush

from .. import functions
from .._engine import parents_by_place
from .checks import check_node, refuse_infinite_slopes
from .fusing import MANY
from .instructions import DERIVATIVES, Instruction, Sum, Sums
from .lowering import COMMUTATIVE, FEW, MAY_BE_GATES, SIMPLER, SMOOTH, adjoint, gate, has_edge
from .placing import Rows, placed, placed_sum, read

cdef Py_ssize_t MOST_LEAVES = 2**28
cdef object Record = Instruction
cdef object ADD = functions.add
cdef object MUL = functions.mul
cdef object DOT = functions.dot
cdef object SQUARE = functions.square
cdef object WHERE = functions.where
cdef object SOFTMAX = functions.softmax
cdef object ADDITION = functions.add.operation
cdef object MULTIPLICATION = functions.mul.operation
cdef object WEIGHTED_SUM = functions.dot.operation
cdef frozenset PAIRED = frozenset((*DERIVATIVES, *DERIVATIVES.values()))
cdef object _new = tuple.__new__


cdef inline tuple _as_instruction(object node):
    """The fields of an instruction; None of a leaf or a constant."""
    if type(node) is not Record:
        return None
    return <tuple>node


cdef class _Buffer:
    """Numbers in memory."""

    cdef Py_ssize_t* at
    cdef Py_ssize_t n, room

    cdef int resize(self, Py_ssize_t n) except -1:
        if n > self.room:
            free(self.at)
            self.room = 2 * n
            self.at = <Py_ssize_t*>malloc(self.room * sizeof(Py_ssize_t))
            if self.at is NULL:
                self.room = 0
                raise MemoryError("no memory for the operands of a node")
        self.n = n
        return 0

    def __dealloc__(self):
        free(self.at)


cdef class Numbered:
    """The numbers of a computation, each once: leaves, constants and instructions.

    A table without keys tells what is known: it holds numbers, and the nodes are compared.
    """

    cdef readonly list nodes
    cdef readonly dict softmaxes, share_of, pulled_back
    cdef readonly Py_ssize_t n_inputs, n_parameters, n_leaves
    cdef list boxes  # each number as an object, which there is once
    cdef bytearray fixed  # which numbers are constants
    cdef Py_ssize_t* slots  # a number + 1, or 0
    cdef size_t* hashes  # of what is in a slot
    cdef size_t n_slots, n_known  # a power of two; how many are taken

    def __cinit__(self, Py_ssize_t n_inputs, Py_ssize_t n_parameters):
        if not (0 <= n_inputs <= MOST_LEAVES and 0 <= n_parameters <= MOST_LEAVES):
            raise ValueError(f"a program has up to {MOST_LEAVES} inputs and parameters")
        self.n_inputs, self.n_parameters = n_inputs, n_parameters
        self.n_leaves = n_inputs + n_parameters
        self.nodes = [None] * self.n_leaves
        self.boxes, self.fixed = [*range(self.n_leaves)], bytearray(self.n_leaves)
        self.softmaxes, self.share_of, self.pulled_back = {}, {}, {}
        self._grow(1024)

    def __dealloc__(self):
        free(self.slots)
        free(self.hashes)

    cdef int _grow(self, size_t n_slots) except -1:
        cdef Py_ssize_t* slots = <Py_ssize_t*>calloc(n_slots, sizeof(Py_ssize_t))
        cdef size_t* hashes = <size_t*>calloc(n_slots, sizeof(size_t))
        cdef size_t i, at
        if slots is NULL or hashes is NULL:
            free(slots)
            free(hashes)
            raise MemoryError("no memory for the nodes of a program")
        for i in range(self.n_slots):
            if self.slots[i]:
                at = self.hashes[i] & (n_slots - 1)
                while slots[at]:
                    at = (at + 1) & (n_slots - 1)
                slots[at], hashes[at] = self.slots[i], self.hashes[i]
        free(self.slots)
        free(self.hashes)
        self.slots, self.hashes, self.n_slots = slots, hashes, n_slots
        return 0

    cdef object _put(self, object node, bint is_fixed, size_t at, size_t hashed):
        """The number of a new node, which belongs into a free slot."""
        cdef object number = len(self.nodes)
        self.slots[at], self.hashes[at] = <Py_ssize_t>number + 1, hashed
        self.n_known += 1
        if 2 * self.n_known > self.n_slots:
            self._grow(4 * self.n_slots)
        self.nodes.append(node)
        self.boxes.append(number)
        self.fixed.append(is_fixed)
        return number

    def constant(self, double value):
        """The number of a constant."""
        cdef size_t hashed = 0, at
        cdef double other
        cdef object node
        memcpy(&hashed, &value, min(sizeof(size_t), sizeof(double)))
        hashed = _mixed(hashed, 1)
        at = hashed & (self.n_slots - 1)
        while self.slots[at]:
            if self.hashes[at] == hashed:
                node = self.nodes[self.slots[at] - 1]
                if isinstance(node, float):
                    other = node
                    if memcmp(&value, &other, sizeof(double)) == 0:
                        return self.slots[at] - 1
            at = (at + 1) & (self.n_slots - 1)
        return self._put(value, True, at, hashed)

    def constant_at(self, Py_ssize_t number):
        """The constant that a number is, if it is one."""
        node = self.nodes[number]
        return node if isinstance(node, float) else None

    def apply(self, function, operands, *parameters):
        """The number of a function of numbers: a known one where that is possible."""
        return self._apply(function, self._buffer(operands), parameters)

    def instruction(self, function, operands, *parameters):
        """The number of a function of numbers as it stands."""
        return self._number(function, self._buffer(operands), parameters)

    cdef _Buffer _buffer(self, operands):
        cdef _Buffer buffer = _Buffer()
        cdef Py_ssize_t i, k = 0
        buffer.resize(len(operands))
        for i in operands:
            if not 0 <= i < len(self.nodes):
                raise IndexError(f"{i} is not the number of a node")
            buffer.at[k] = i
            k += 1
        return buffer

    cdef list _boxed(self, _Buffer operands):
        return [self.boxes[operands.at[i]] for i in range(operands.n)]

    cdef object _apply(self, object function, _Buffer operands, tuple parameters):
        cdef Py_ssize_t n = operands.n, n_constants = 0, i
        cdef bint is_dot = function is DOT
        cdef const char* fixed = self.fixed
        cdef list numbers
        if is_dot and n == 2:
            function, is_dot = MUL, False
        for i in range(n):
            n_constants += fixed[operands.at[i]]
        if n_constants == n and n:
            constants = [self.nodes[operands.at[i]] for i in range(n)]
            return self.constant(function.value(*constants, *parameters))
        if n_constants or not (
            function is ADD
            or function is MUL
            or is_dot and n > 2 and not _is_square(operands.at, n)
        ):
            rule = SIMPLER.get(function)
            if rule is not None and (n_constants or function not in COMMUTATIVE):
                numbers = self._boxed(operands)
                constants = [self.nodes[i] if fixed[i] else None for i in numbers]
                simpler = rule(self, numbers, constants, parameters)
                if simpler is not None:
                    return simpler
        return self._number(function, operands, parameters)

    cdef bint _has_softmax(self, _Buffer operands) except -1:
        """Whether a local derivative looks like that of a softmax."""
        cdef tuple node
        cdef Py_ssize_t i
        for i in range(operands.n // 2):
            node = _as_instruction(self.nodes[operands.at[i]])
            if node is not None and node[0] is MUL and node[2][0] in self.share_of:
                return True
        return False

    cdef object _number(self, object function, _Buffer operands, tuple parameters):
        """The number of an instruction, a new one where it is not known."""
        cdef Py_ssize_t n = operands.n, i
        cdef bint turned = False
        cdef size_t hashed = <size_t>(<PyObject*>function) >> 4, at
        cdef tuple own
        cdef object number
        if function is ADD or function is MUL:
            turned = operands.at[0] > operands.at[1]
        if parameters:
            hashed = _mixed(hashed, <size_t>hash(parameters))
        for i in range(n):
            hashed = _mixed(hashed, <size_t>operands.at[n - 1 - i if turned else i])
        at = hashed & (self.n_slots - 1)
        while self.slots[at]:
            if self.hashes[at] == hashed and self._is_at(
                self.slots[at] - 1, function, operands, parameters, turned
            ):
                return self.boxes[self.slots[at] - 1]
            at = (at + 1) & (self.n_slots - 1)
        own = PyTuple_New(n)
        for i in range(n):
            number = self.boxes[operands.at[i]]
            Py_INCREF(number)
            PyTuple_SET_ITEM(own, i, number)
        return self._put(_new(Record, (function, parameters, own, -1, "", "")), False, at, hashed)

    cdef bint _is_at(
        self, Py_ssize_t number, object function, _Buffer operands, tuple parameters, bint turned
    ) except -1:
        """Whether a number is that of an instruction."""
        cdef tuple node = _as_instruction(self.nodes[number]), others
        cdef Py_ssize_t n = operands.n, i
        if node is None or node[0] is not function:
            return False
        others = node[2]
        if len(others) != n or node[1] is not parameters and node[1] != parameters:
            return False
        if function is ADD or function is MUL:
            if <Py_ssize_t>others[0] > <Py_ssize_t>others[1]:
                turned = not turned
        for i in range(n):
            if <Py_ssize_t>others[i] != operands.at[n - 1 - i if turned else i]:
                return False
        return True

    def name(self, Py_ssize_t number, label, scope):
        """Give an instruction a label and a scope, unless it has a label."""
        cdef tuple node = _as_instruction(self.nodes[number])
        if (label or scope) and node is not None and not node[4]:
            function, parameters, operands, _, _, known = node
            named = (function, parameters, operands, -1, label, known or scope)
            self.nodes[number] = _new(Record, named)

    def forget(self):
        """Release what told equal numbers."""
        free(self.slots)
        free(self.hashes)
        self.slots, self.hashes, self.n_slots, self.n_known = NULL, NULL, 0, 0
        self._grow(2)


cdef inline size_t _mixed(size_t hashed, size_t number) noexcept:
    hashed = (hashed ^ number) * <size_t>0x9E3779B97F4A7C15ULL
    return hashed ^ (hashed >> 29)


cdef inline bint _is_square(Py_ssize_t* operands, Py_ssize_t n) noexcept:
    """Whether a weighted sum is a b + a b."""
    return n == 4 and operands[0] == operands[1] and operands[2] == operands[3]


cdef bint _is_masked(
    Numbered graph, object node, tuple parents, dict gates, set edged, recorded
) except -1:
    """Whether a term of an adjoint has to be masked; if not, the gates of all terms are noted."""
    cdef Py_ssize_t n = len(parents) // 2, i
    cdef object shut, common = None
    cdef PyObject* first
    cdef PyObject* second
    cdef bint has_common = len(parents) % 2 == 0
    for i in range(n):
        first, second = PyDict_GetItem(gates, parents[i]), PyDict_GetItem(gates, parents[n + i])
        if first is NULL and second is NULL:
            has_common = False
            continue
        shut = <object>(second if first is NULL else first)
        if first is not NULL and second is not NULL and first is not second:
            shut = shut | <object>second
        if parents[i] in edged:
            if parents[i] not in recorded:
                return True
            for shutter in shut:
                instruction = _as_instruction(graph.nodes[shutter])
                if instruction is not None and instruction[0] is WHERE:
                    return True
        if has_common and shut is not common:
            common = shut if common is None else common & shut
            has_common = bool(common)
    if has_common:
        gates[node] = common
    return False


def lower(list order not None, inputs, parameters, recorded):
    """A recorded graph with its constants folded and equal parts shared."""
    cdef Numbered graph = Numbered(len(inputs), len(parameters))
    cdef dict numbers = {leaf: i for i, leaf in enumerate((*inputs, *parameters))}
    cdef dict gates = {}
    cdef set edged = set()
    cdef object node, operation, function, number
    cdef tuple fixed
    cdef list found = [None] * len(order)  # the number of each node
    cdef _Buffer operands = _Buffer()
    cdef bytearray wiring = parents_by_place(order), kinds = bytearray(len(order))
    cdef const unsigned int* places = <const unsigned int*><const char*>wiring
    cdef Py_ssize_t k, j, n
    cdef bint is_edged, is_rare
    for k in range(len(order)):
        node = order[k]
        n = places[0]
        places += 1
        if n == 0:
            number = numbers.get(node)
            found[k] = graph.constant(node.data) if number is None else number
            continue
        operation = node.operation
        fixed = ()
        if operation is MULTIPLICATION:
            function = MUL
        elif operation is ADDITION:
            function = ADD
        elif operation is WEIGHTED_SUM:
            function = DOT
        else:
            function, fixed = operation.function, operation.parameters
        operands.resize(n)
        is_edged = False
        for j in range(n):
            operands.at[j] = found[places[j]]
            is_edged |= kinds[places[j]]
        places += n
        if not is_edged and function not in SMOOTH:
            is_edged = has_edge(graph, operation, graph._boxed(operands))
        is_rare = False
        if function is DOT and node not in recorded:
            if gates:
                is_rare = _is_masked(graph, node, node.parents, gates, edged, recorded)
            if graph.softmaxes and n >= 2 * FEW and not is_rare:
                is_rare = graph._has_softmax(operands)
        if is_rare:
            number = adjoint(graph, node, graph._boxed(operands), gates, edged, recorded)
        else:
            number = graph._apply(function, operands, fixed)
        found[k] = number
        if is_edged:
            kinds[k] = True
            edged.add(node)
        if function in MAY_BE_GATES and node not in recorded:
            opened = gate(graph, node, number, graph._boxed(operands))
            if opened is not None:
                gates[node] = frozenset([opened])
        label, scope = node.label, node.scope
        if label or scope:
            graph.name(number, label, scope)
    numbers.update(zip(order, found))
    return graph, numbers


def check_nodes(order, parameters):
    """Raise where the graph cannot be evaluated again, or not be differentiated, as recorded."""
    cdef set moving = set(parameters)
    cdef dict common = {}  # what several nodes share, by the function and the parents
    cdef object node, parent, operation
    cdef tuple parents, slopes
    cdef double slope
    cdef bint moves
    for node in order:
        parents = node.parents
        if not parents:
            continue
        operation, slopes = node.operation, node.local_derivatives
        if not _is_unchanged(node, operation, parents, slopes, common):
            check_node(node)
        moves = False
        for parent in parents:
            if parent in moving:
                moves = True
                break
        if moves:
            moving.add(node)
            for slope in slopes:
                if not isfinite(slope):
                    refuse_infinite_slopes(node)


cdef bint _is_unchanged(
    object node, object operation, tuple parents, tuple slopes, dict common
) except -1:
    """Whether a node is what its parents' data give; of a choice that is not looked at."""
    cdef Py_ssize_t n = len(parents), half = n // 2, i
    cdef double x, y, total = 0.0
    if len(slopes) != n:
        return False
    if operation is MULTIPLICATION or operation is ADDITION:
        x, y = parents[0].data, parents[1].data
        if operation is ADDITION:
            return node.data == x + y
        return node.data == x * y and slopes[0] == y and slopes[1] == x
    if operation is WEIGHTED_SUM:
        if n % 2:
            total = parents[n - 1].data
        for i in range(half):
            x, y = parents[i].data, parents[half + i].data
            if slopes[i] != y or slopes[half + i] != x:
                return False
            total += x * y
        return node.data == total
    function, fixed = operation.function, operation.parameters
    if function is WHERE:
        return False
    numbers, shared = [parent.data for parent in parents], {}
    if function is SOFTMAX:
        key = (function, *parents)
        if key not in common:
            common[key] = function.common(*numbers)
        shared = {"common": common[key]}
        value = common[key][int(fixed[0])]
    else:
        value = function.value(*numbers, *fixed)
    return value == node.data and function.partials(*numbers, *fixed, **shared) == slopes


# The twins of fusing.py


def varying(list nodes not None, Py_ssize_t n_inputs):
    """Which numbers depend on the data."""
    cdef list varies = [False] * len(nodes)
    cdef tuple node, operands
    cdef Py_ssize_t i
    for i in range(min(n_inputs, len(nodes))):
        varies[i] = True
    for i in range(len(nodes)):
        node = _as_instruction(nodes[i])
        if node is not None:
            operands = node[2]
            for operand in operands:
                if varies[operand] is True:
                    varies[i] = True
                    break
    return varies


def needed(list nodes not None, results):
    """The numbers that results are computed from, and they themselves, in order."""
    cdef bytearray found = bytearray(len(nodes))
    cdef tuple node, operands
    cdef Py_ssize_t i
    for i in results:
        found[i] = 1
    for i in range(len(nodes) - 1, -1, -1):
        if found[i]:
            node = _as_instruction(nodes[i])
            if node is not None:
                operands = node[2]
                for operand in operands:
                    found[<Py_ssize_t>operand] = 1
    return [i for i in range(len(nodes)) if found[i]]


def fused(list nodes not None, results, list varies not None):
    """The nodes, with u + v w as one ``dot`` wherever u or v w has no other reader."""
    cdef _Fusing fusing = _Fusing(nodes, results, varies)
    fusing.fuse()
    return fusing.nodes, fusing.read_by_others(results)


cdef class _Fusing:
    cdef list nodes, reached
    cdef list varies
    cdef list readers
    cdef bytearray swallowed

    def __cinit__(self, list nodes not None, results, list varies not None):
        cdef tuple node
        cdef object i, operand
        results = list(results)
        if len(varies) < len(nodes):
            raise ValueError("whether a node varies has to be known of each")
        self.nodes, self.varies = list(nodes), varies
        self.readers = [0] * len(nodes)
        self.swallowed = bytearray(len(nodes))
        for i in results:  # a result is never swallowed
            self.readers[i] += 2
        self.reached = needed(nodes, results)
        for i in self.reached:
            node = _as_instruction(nodes[i])
            if node is not None:
                for operand in <tuple?>node[2]:
                    self.readers[operand] = <Py_ssize_t>self.readers[operand] + 1

    cdef int fuse(self) except -1:
        cdef Py_ssize_t k, i
        cdef tuple node
        cdef object found
        for k in range(len(self.reached) - 1, -1, -1):
            i = self.reached[k]
            node = _as_instruction(self.nodes[i])
            if node is not None and node[0] is ADD and not self.swallowed[i]:
                found = self.chain(node, self.varies[i])
                self.nodes[i] = self.plain_chain(node, self.varies[i]) if found is node else found
        self.nodes.append(1.0)
        self.varies.append(False)
        self.readers.append(0)
        return 0

    cdef object plain_chain(self, tuple whole, object kind):
        """A sum of many plain terms as one ``dot``, each times 1; else as it is."""
        cdef list terms = [], inner = []  # the last one first
        cdef tuple at = whole, before, operands
        cdef object base, term, i
        while True:
            base, term = at[2]
            terms.append(term)
            before = self.alone(base, kind)
            if before is None or before[0] is not ADD or self.has_product(before, kind):
                break
            inner.append(base)
            at = before
        if len(terms) < MANY:
            return whole
        for i in inner:
            self.swallowed[i] = 1
        terms.reverse()
        operands = (*[len(self.swallowed)] * len(terms), *terms, base)
        return _new(Record, (DOT, (), operands, -1, whole[4], whole[5]))

    cdef bint has_product(self, tuple addition, object kind) except -1:
        for operand in <tuple>addition[2]:
            if self.product(operand, kind) is not None:
                return True
        return False

    cdef list read_by_others(self, results):
        for i in results:
            self.readers[i] -= 2
        return self.readers

    cdef object chain(self, tuple whole, object kind):
        """A sum with the products that it ends in, and the sum before them, as one ``dot``."""
        cdef list weights = [], factors = []  # the last one first
        cdef tuple at = whole, found, before, operands, bias = ()
        cdef object base, term, last = None
        cdef Py_ssize_t n, k
        while at is not None:
            base, term = at[2]
            found = self.product(term, kind)
            if found is None:
                base, term = term, base
                found = self.product(term, kind)
                if found is None:
                    if at is whole:
                        return whole
                    bias = (last,)
                    break
            if at is not whole:
                self.swallowed[last] = 1
            _put_pair(found, weights, factors)
            before = self.alone(base, kind)
            at, last, bias = None, base, (base,)
            if before is not None:
                if before[0] is ADD:
                    at = before
                elif before[0] is MUL or before[0] is SQUARE:
                    _put_pair(before, weights, factors)
                    bias = ()
                elif before[0] is DOT:
                    operands = before[2]
                    n = len(operands) // 2
                    for k in range(n - 1, -1, -1):
                        weights.append(operands[k])
                        factors.append(operands[n + k])
                    bias = operands[2 * n :]
        weights.reverse()
        factors.reverse()
        operands = (*weights, *factors, *bias)
        return _new(Record, (DOT, (), operands, -1, whole[4], whole[5]))

    cdef tuple alone(self, object number, object kind):
        """An instruction with one reader, of the same kind as it."""
        cdef Py_ssize_t i = number
        if <Py_ssize_t>self.readers[i] != 1 or self.varies[i] is not kind:
            return None
        return _as_instruction(self.nodes[i])

    cdef tuple product(self, object number, object kind):
        cdef tuple node = self.alone(number, kind)
        if node is None or node[0] is not MUL and node[0] is not SQUARE:
            return None
        return node


cdef int _put_pair(tuple product, list weights, list factors) except -1:
    cdef tuple operands = product[2]
    weights.append(operands[0])
    factors.append(operands[len(operands) - 1])
    return 0


# The twin of sums.py


def terms(list nodes not None, results, list varies not None, list readers not None):
    """What to sum for each result: numbers, and products of two."""
    cdef dict plain = {}, products = {}, alike = {}
    cdef tuple node, operands, numbers, of_one
    cdef object i, k, shared, factor
    cdef Py_ssize_t n, j
    cdef PyObject* found
    for i in results:
        node = _as_instruction(nodes[i])
        if node is not None and node[0] is DOT:
            n = len(<tuple>node[2])
            alike[n] = alike.get(n, 0) + 1
    for k, i in enumerate(results):
        node = _as_instruction(nodes[i])
        numbers, n = (i,), 0
        if node is not None and (node[0] is MUL or node[0] is DOT) and not readers[i]:
            operands = node[2]
            n = len(operands) // 2
            if n > 1 and alike[len(operands)] < 2 or not _all_vary(operands, n, varies):
                n = 0
            else:
                numbers = operands[2 * n :]
        for j in range(n):
            shared, factor = operands[n + j], operands[j]
            if varies[shared] is not True:
                shared, factor = factor, shared
            found = PyDict_GetItem(products, shared)
            if found is NULL:
                products[shared] = ([factor], [k])
            else:
                of_one = <tuple><object>found
                (<list>of_one[0]).append(factor)
                (<list>of_one[1]).append(k)
        for i in numbers:
            (<list>plain.setdefault(i, [])).append(k)
    return plain, products


cdef bint _all_vary(tuple operands, Py_ssize_t n, list varies) except -1:
    """Whether a factor of each of n products depends on the data."""
    cdef Py_ssize_t j
    for j in range(n):
        if varies[operands[n + j]] is not True and varies[operands[j]] is not True:
            return False
    return True


# The twin of blocks.py


cdef class Blocks:
    """The blocks of a graph, the order of their numbers, and when each is computed."""

    cdef readonly list members, block, at, last, turns
    cdef list nodes
    cdef dict paired
    cdef Py_ssize_t n_placed

    def __cinit__(
        self,
        list nodes not None,
        needed,
        list varies not None,
        Py_ssize_t n_inputs,
        Py_ssize_t n_parameters,
    ):
        cdef Py_ssize_t n_leaves = n_inputs + n_parameters
        self.nodes = nodes
        self.members = [[*range(n_inputs)], [*range(n_inputs, n_leaves)], []]
        self.block = [0] * n_inputs + [1] * n_parameters + [-1] * (len(nodes) - n_leaves)
        self.at = [0] * len(nodes)
        self.turns, self.paired = [], {}
        self.divide(needed, varies)
        self.last = [-1] * len(self.members)

    cdef int divide(self, needed, list varies) except -1:
        """Put nodes into blocks of what is alike, as far as their operands' blocks tell."""
        cdef dict known = {}
        cdef list block = self.block, members = self.members
        cdef object number
        cdef tuple node, operands
        cdef Py_ssize_t i, k, n, at, latest
        cdef PyObject* found
        for number in needed:
            i = number
            node = _as_instruction(self.nodes[i])
            if node is None:
                if self.nodes[i] is not None:
                    block[i] = 2
                    (<list?>members[2]).append(number)
                continue
            operands = node[2]
            n = len(operands)
            if n == 1:
                key = (node[0], node[1], block[operands[0]])
            elif n == 2:
                key = (node[0], node[1], block[operands[0]], block[operands[1]])
            else:
                latest = -1
                for k in range(n):
                    at = block[operands[k]]
                    if at > latest:
                        latest = at
                key = (
                    node[0], node[1], n, varies[i],
                    block[operands[0]], block[operands[n // 2]], latest,
                )
            found = PyDict_GetItem(known, key)
            if found is NULL:
                at = len(members)
                known[key] = at
                members.append([number])
                block[i] = at
            else:
                block[i] = <object>found
                (<list>members[<Py_ssize_t>block[i]]).append(number)
        return 0

    def wide(self):
        """The blocks that may be wide instructions, to be placed by the caller as they come."""
        cdef Py_ssize_t block, end = len(self.members)
        for block in range(3):
            self.place(block, self.members[block])
        block = self.next_wide(3, end)
        while block < end:
            yield block
            block = self.next_wide(block + 1, end)

    cdef Py_ssize_t next_wide(self, Py_ssize_t first, Py_ssize_t end) except -1:
        """The next such block, or the end; those of one node before it are done."""
        cdef Py_ssize_t block
        cdef list members
        cdef tuple node
        for block in range(first, end):
            members = self.members[block]
            node = _as_instruction(self.nodes[members[0]])
            if len(members) > 1 or node[0] is DOT and len(<tuple>node[2]) > 3:
                return block
            self.last[block] = self.last_of(node[2], members[0])
            self.at[members[0]] = self.n_placed
            self.n_placed += 1
            self.compute(block, node, members)
        return end

    cpdef place(self, Py_ssize_t block, list members):
        """The order of a block's members is final."""
        cdef Py_ssize_t at = self.n_placed, i
        self.members[block] = members
        for i in members:
            self.at[i] = at
            at += 1
        self.n_placed = at

    cpdef bint are_apart(self, tuple nodes, Py_ssize_t distance) except -1:
        """Whether nodes are equally far apart, each so far from the one before."""
        cdef Py_ssize_t k, at = self.at[nodes[0]]
        for k in range(1, len(nodes)):
            at += distance
            if <Py_ssize_t>self.at[nodes[k]] != at:
                return False
        return True

    cpdef object last_of(self, nodes, object last):
        """The latest of a node and those that end the blocks of others."""
        cdef Py_ssize_t i, latest = last, found
        for i in nodes:
            found = self.last[self.block[i]]
            if found > latest:
                latest = found
        return latest

    cpdef turn(self, object last, Py_ssize_t block, Py_ssize_t part, list steps):
        """Steps have their turn."""
        self.turns.append((last, block, part, len(self.turns), steps))

    cpdef compute(self, Py_ssize_t block, object node, list steps):
        """The steps that compute a block of what is like a node have their turn."""
        cdef object function = (<tuple>node)[0]
        if function not in PAIRED:
            self.turn(self.last[block], block, 0, steps)
            return
        activation = DERIVATIVES.get(function)
        key = (activation or function, self.block[node[2][0]])
        turn = self.paired.pop(key, None)
        if turn is None:
            self.paired[key] = len(self.turns)
            self.turn(self.last[block], block, 0, steps)
            return
        last, other, part, serial, others = self.turns[turn]
        first, second = (steps, others) if activation else (others, steps)
        both = [step for pair in zip(first, second) for step in pair]
        if len(first) != len(second):
            both = [*first, *second]
        self.turns[turn] = (last, other, part, serial, both)
        self.last[block] = last


# The twin of placing.py


cdef class Placing:
    """Gives steps their order and numbers their places."""

    cdef readonly list place, once, each
    cdef readonly Py_ssize_t n_scalars, n_rows
    cdef list nodes, varies, members, block
    cdef object rows

    def __cinit__(
        self,
        list nodes not None,
        list varies not None,
        list members not None,
        list block not None,
        list turns not None,
        kept,
    ):
        cdef list once = [], each = []
        cdef Py_ssize_t result
        cdef tuple turn
        self.nodes, self.varies, self.members, self.block = nodes, varies, members, block
        self.place = [-1] * len(nodes)
        self.once, self.each = [], []
        for turn in sorted(turns):
            for step in <list?>turn[4]:
                if type(step) is int:
                    (each if varies[step] is True else once).append(step)
                elif isinstance(step, (Sum, Sums)) or varies[step.result]:
                    each.append(step)
                else:
                    once.append(step)
        inputs, parameters, constants = members[:3]
        self.n_scalars = self.neighbours(parameters, 0)
        self.n_scalars = self.neighbours(constants, self.n_scalars)
        for step in once:
            result = step if type(step) is int else step.result
            if <Py_ssize_t>self.place[result] < 0:
                self.n_scalars = self.neighbours(members[block[result]], self.n_scalars)
            self.once.append(self.placed(step))
        self.neighbours(inputs, self.n_scalars)
        self.rows = Rows(len(inputs))
        self.run(each, [*inputs, *kept])
        self.n_rows = self.rows.n

    cdef Py_ssize_t neighbours(self, list members, Py_ssize_t place) except -1:
        """Give members places from one on; the place after them."""
        for i in members:
            self.place[i] = place
            place += 1
        return place

    cdef int run(self, list each, list kept) except -1:
        """The steps run, one at a time: rows are taken, and given back after their last reader."""
        cdef list place = self.place, block = self.block, members = self.members
        cdef list last_read = [-1] * len(members), done, own
        cdef tuple node
        cdef Py_ssize_t time, result, row, i
        cdef bint is_one
        cdef object step, b
        cdef list free = self.rows.single
        for time in range(len(each)):
            for i in self.read(each[time]):
                last_read[block[i]] = time
        for i in kept:
            last_read[block[i]] = len(each)
        for time in range(len(each)):
            step = each[time]
            done = []
            for i in self.read(step):
                b = block[i]
                if <Py_ssize_t>last_read[b] == time and self.varies[i] is True:
                    last_read[b] = -1
                    done.append(b)
            is_one = type(step) is int
            if not is_one and isinstance(step, (Sum, Sums)):
                self.each.append(placed_sum(step, place))
                self.give_back(done)
                continue
            result = step if is_one else step.result
            own = members[block[result]]
            if is_one and len(own) == 1:  # it may have an operand's place
                node = _as_instruction(self.nodes[result])
                places = _picked(place, node[2])
                self.give_back(done)
                row = heappop(free) if free else self.rows.take(1)
                place[result] = self.n_scalars + row
                self.each.append(_placed(node, places, place[result]))
                continue
            if <Py_ssize_t>place[result] < 0:
                self.neighbours(own, self.n_scalars + <Py_ssize_t>self.rows.take(len(own)))
            self.each.append(self.placed(step))
            self.give_back(done)
        return 0

    cdef object read(self, object step):
        """Nodes that tell the blocks that a step reads."""
        return _as_instruction(self.nodes[step])[2] if type(step) is int else read(step)

    cdef object placed(self, object step):
        """A step with places where it has nodes."""
        if type(step) is not int:
            return placed(step, self.place)
        node = _as_instruction(self.nodes[step])
        return _placed(node, _picked(self.place, node[2]), self.place[step])

    cdef int give_back(self, list blocks) except -1:
        cdef list members
        cdef Py_ssize_t first
        for b in blocks:
            members = self.members[b]
            first = <Py_ssize_t>self.place[members[0]] - self.n_scalars
            if len(members) == 1:
                heappush(self.rows.single, first)
            else:
                self.rows.give_back(first, len(members))
        return 0


cdef inline object _placed(tuple node, tuple places, object result):
    return _new(Record, (node[0], node[1], places, result, node[4], node[5]))


cdef tuple _picked(list table, tuple numbers):
    """What a table has for each of some numbers."""
    cdef Py_ssize_t n = len(numbers), i
    cdef tuple picked = PyTuple_New(n)
    cdef object found
    for i in range(n):
        found = table[numbers[i]]
        Py_INCREF(found)
        PyTuple_SET_ITEM(picked, i, found)
    return picked
