# The nodes of a computation by number, as plain numbers in memory. Included by _passes.pyx.


cdef enum:
    LEAF = -1  # in the place of a function's number
    CONSTANT = -2
    OF_ADD = 0  # the functions that the passes look for have these numbers
    OF_MUL = 1
    OF_DOT = 2
    OF_SQUARE = 3
    OF_SOFTMAX = 4
    OF_THROUGH_SOFTMAX = 5
    OF_SHARE = 6
    OF_WHERE = 7
    MOST_NODES = 0x7FFFFFFE  # their numbers and one more fit an int


cdef tuple LOOKED_FOR = (ADD, MUL, DOT, SQUARE, SOFTMAX, THROUGH_SOFTMAX, SHARE, WHERE)


cdef union Held:
    Py_ssize_t first  # where the operands begin
    double value  # of a constant


cdef struct Node:
    int function  # a number, for the lists below, as the next two
    int parameters
    int name
    int n_operands
    Held held


cdef class Nodes:
    """None, a float or an Instruction by number, as a list has them; made when asked for."""

    cdef Node* at
    cdef Py_ssize_t n, room
    cdef Ints operands  # of all nodes; each is the number of a node
    cdef list functions, parameters, labels, scopes  # by their numbers
    cdef list alike  # the first of the parameters that are the same as these
    cdef dict number_of_function, first_alike

    def __cinit__(self):
        self.room = _enlarged(<void**>&self.at, 0, 0, sizeof(Node))
        self.operands = Ints()
        self.functions, self.parameters = [*LOOKED_FOR], [()]
        self.number_of_function = {function: i for i, function in enumerate(LOOKED_FOR)}
        self.alike, self.first_alike = [0], {(): 0}
        self.labels, self.scopes = [""], [""]

    def __dealloc__(self):
        free(self.at)

    cdef int reserve(self, Py_ssize_t n) except -1:
        """Make room for n more."""
        n += self.n
        if n > self.room:
            if n > MOST_NODES:
                raise ValueError(f"a program has up to {MOST_NODES} nodes")
            self.room = _enlarged(<void**>&self.at, n, self.room, sizeof(Node))
        return 0

    cdef Nodes copy(self):
        cdef Nodes other = Nodes()
        other.reserve(self.n)
        other.n = self.n
        memcpy(other.at, self.at, self.n * sizeof(Node))
        other.operands.resize(self.operands.n)
        memcpy(other.operands.of, self.operands.of, self.operands.n * sizeof(int))
        other.functions, other.number_of_function = self.functions, self.number_of_function
        other.parameters, other.alike = self.parameters, self.alike
        other.first_alike, other.labels, other.scopes = self.first_alike, self.labels, self.scopes
        return other

    cdef int number_of(self, object function) except -1:
        cdef PyObject* found = PyDict_GetItem(self.number_of_function, function)
        if found is not NULL:
            return <object>found
        self.number_of_function[function] = len(self.functions)
        self.functions.append(function)
        return len(self.functions) - 1

    cdef int number_of_parameters(self, tuple parameters) except -1:
        cdef Py_ssize_t last = len(self.parameters) - 1
        if not parameters:
            return 0
        if self.parameters[last] is parameters:
            return <int>last
        self.alike.append(self.first_alike.setdefault(told_apart(parameters), last + 1))
        self.parameters.append(parameters)
        return <int>(last + 1)

    cdef int number_of_name(self, object label, object scope) except -1:
        cdef Py_ssize_t last = len(self.labels) - 1
        if not label and not scope:
            return 0
        if self.labels[last] is not label or self.scopes[last] is not scope:
            self.labels.append(label)
            self.scopes.append(scope)
            last += 1
        return <int>last

    cdef int add_leaves(self, Py_ssize_t n) except -1:
        cdef Py_ssize_t i
        self.reserve(n)
        for i in range(self.n, self.n + n):
            self.at[i].function = LEAF
            self.at[i].parameters = self.at[i].name = self.at[i].n_operands = 0
        self.n += n
        return 0

    cdef int add_constant(self, double value) except -1:
        self.add_leaves(1)
        self.at[self.n - 1].function, self.at[self.n - 1].held.value = CONSTANT, value
        return 0

    cdef int* add(self, int function, int parameters, Py_ssize_t n) except NULL:
        """A new node; where its n operands are to be put, which have to be numbers of nodes."""
        cdef Node* node
        cdef int* own
        self.reserve(1)
        node = &self.at[self.n]
        node.function, node.parameters, node.name = function, parameters, 0
        own = self.add_operands(node, n)
        self.n += 1
        return own

    cdef int* add_operands(self, Node* node, Py_ssize_t n) except NULL:
        """Where the n operands that a node has from now on are to be put."""
        node.held.first = self.operands.n
        self.operands.resize(self.operands.n + n)
        node.n_operands = <int>n
        return self.operands.of + node.held.first

    cdef Node made(self, object node) except *:
        """What Python has for a node."""
        cdef Node made
        cdef tuple fields, own
        cdef Py_ssize_t operand
        made.function, made.parameters, made.name, made.n_operands = LEAF, 0, 0, 0
        if isinstance(node, float):
            made.function, made.held.value = CONSTANT, node
        elif node is not None:
            fields = _as_instruction(node)
            if fields is None:
                raise TypeError(f"{node!r} is no node of a program")
            own = <tuple?>fields[2]
            made.function = self.number_of(fields[0])
            _check_arity(made.function, len(own))
            made.parameters = self.number_of_parameters(<tuple?>fields[1])
            made.name = self.number_of_name(fields[4], fields[5])
            made.n_operands, made.held.first = <int>len(own), self.operands.n
            for number in own:
                operand = number if type(number) is int else -1
                if not 0 <= operand < self.n:
                    raise IndexError(f"{number!r} is not the number of a node")
                self.operands.append(<int>operand)
        return made

    def __len__(self):
        return self.n

    def __getitem__(self, Py_ssize_t i):
        cdef Node* node = _node_at(self, i)
        if node.function == LEAF:
            return None
        if node.function == CONSTANT:
            return node.held.value
        return _new(Record, (
            self.functions[node.function], self.parameters[node.parameters],
            operands_of(self, i), -1, self.labels[node.name], self.scopes[node.name],
        ))

    def __setitem__(self, Py_ssize_t i, node):
        cdef Node made = self.made(node)
        _node_at(self, i)[0] = made

    def append(self, node):
        cdef Node made = self.made(node)
        self.reserve(1)
        self.at[self.n] = made
        self.n += 1

    def __iadd__(self, nodes):
        for node in nodes:
            self.append(node)
        return self


cdef int _check_arity(int function, Py_ssize_t n) except -1:
    """Raise where a function that the passes look into has not as many operands as it takes."""
    if function == OF_SQUARE and n != 1 or (function == OF_ADD or function == OF_MUL) and n != 2:
        raise ValueError(f"a sum or product has 2 operands and a square 1, not {n}")
    return 0


# All that the passes ask of a node


cdef inline Node* _node_at(Nodes nodes, Py_ssize_t i) except NULL:
    if not 0 <= i < nodes.n:
        raise IndexError(f"{i} is not the number of a node")
    return &nodes.at[i]


cdef inline Node* _instruction_at(Nodes nodes, Py_ssize_t i) except NULL:
    cdef Node* node = _node_at(nodes, i)
    if node.function < 0:
        raise TypeError(f"node {i} is no instruction")
    return node


cdef inline bint is_instruction(Nodes nodes, Py_ssize_t i) except -1:
    return _node_at(nodes, i).function >= 0


cdef inline bint is_constant(Nodes nodes, Py_ssize_t i) except -1:
    return _node_at(nodes, i).function == CONSTANT


cdef inline int function_number(Nodes nodes, Py_ssize_t i) except? -1:
    """Such as OF_DOT; LEAF or CONSTANT of what is no instruction."""
    return _node_at(nodes, i).function


cdef inline object function_of(Nodes nodes, Py_ssize_t i):
    return nodes.functions[_instruction_at(nodes, i).function]


cdef inline tuple parameters_of(Nodes nodes, Py_ssize_t i):
    return nodes.parameters[_instruction_at(nodes, i).parameters]


cdef inline Py_ssize_t parameters_number(Nodes nodes, Py_ssize_t i) except -1:
    """The same for the same parameters."""
    return nodes.alike[_instruction_at(nodes, i).parameters]


cdef inline Py_ssize_t n_operands(Nodes nodes, Py_ssize_t i) except -1:
    return _instruction_at(nodes, i).n_operands


cdef inline Py_ssize_t operand_of(Nodes nodes, Py_ssize_t i, Py_ssize_t k) except -1:
    cdef Node* node = _instruction_at(nodes, i)
    if not 0 <= k < node.n_operands:
        raise IndexError(f"node {i} has no operand {k}")
    return nodes.operands.of[node.held.first + k]


cdef inline const int* operands_at(Nodes nodes, Py_ssize_t i) except NULL:
    """Where the operands of an instruction are, until nodes are added."""
    return &nodes.operands.of[_instruction_at(nodes, i).held.first]


cdef tuple operands_of(Nodes nodes, Py_ssize_t i):
    cdef Node* node = _instruction_at(nodes, i)
    cdef Py_ssize_t n = node.n_operands, k
    cdef tuple found = PyTuple_New(n)
    cdef object number
    for k in range(n):
        number = <Py_ssize_t>nodes.operands.of[node.held.first + k]
        Py_INCREF(number)
        PyTuple_SET_ITEM(found, k, number)
    return found


cdef inline object label_of(Nodes nodes, Py_ssize_t i):
    return nodes.labels[_instruction_at(nodes, i).name]


cdef inline object scope_of(Nodes nodes, Py_ssize_t i):
    return nodes.scopes[_instruction_at(nodes, i).name]
