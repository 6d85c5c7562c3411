"""The functions of the table in JavaScript, translated from their Python: there is one truth.

What a page computes again are the formulas of functions/ themselves, branches and guards included:
the source of each value, rule and domain is read and written out in the other language, with what
it calls. That works because those functions are floats in, floats out: arithmetic, comparisons,
``math`` and lists. What Python has and JavaScript lacks stands in python.js; in decimals.py the
operators are those of Decimals, which are in digits.js.
"""

import ast
import builtins
import functools
import inspect
import itertools
import json
import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from math import isinf, isnan
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..functions import FUNCTIONS, Function, accurate, decimals

_Tree = ast.Lambda | ast.FunctionDef
_Cached = type(functools.cache(abs))

_SAME = "acos acosh asin asinh atan atan2 atanh cos cosh exp expm1 floor ceil hypot log log10 log1p"
_SAME += " log2 sin sinh sqrt tan tanh"
_OWN = "comb copysign erf erfc frexp fsum ldexp pow"
NATIVE: dict[Any, str] = {
    **{getattr(math, name): f"Math.{name}" for name in _SAME.split()},
    **{getattr(math, name): f"python.{name}" for name in _OWN.split()},
    math.fabs: "Math.abs",
    math.trunc: "Math.trunc",
    math.factorial: "digits.factorial",
    round: "python.round",
    abs: "Math.abs",
    int: "Math.trunc",
    float: "Number",
    Decimal: "Number",
    math.isfinite: "Number.isFinite",
    math.isnan: "Number.isNaN",
    getattr(math, "exp2", None): "python.exp2",
    operator.add: "python.add",
    functools.reduce: "python.reduce",
    itertools.accumulate: "python.accumulate",
    divmod: "python.divmod",
    range: "python.range",
    zip: "python.zip",
    enumerate: "python.enumerate",
    map: "python.map",
    max: "python.max",
    min: "python.min",
    all: "python.all",
    any: "python.any",
    list: "Array.from",
    tuple: "Array.from",
    reversed: "python.reversed",
    accurate.exact_mean: "python.exactMean",
    accurate.logaddexp_in_digits: "python.logaddexp",
    accurate.complex_power: "python.complexPower",
}
_OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Eq: "===",
    ast.NotEq: "!==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.And: " && ",
    ast.Or: " || ",
    ast.USub: "-",
    ast.Not: "!",
    ast.BitAnd: "&&",
    ast.BitOr: "||",
}
_CALLS = {ast.Pow: "python.pow", ast.Mod: "python.mod", ast.FloorDiv: "python.floordiv"}
# Of numbers that may be Decimals: those of functions/decimals.py.
_CALLS_OF_DIGITS = _CALLS | {
    ast.Add: "digits.add",
    ast.Sub: "digits.sub",
    ast.Mult: "digits.mul",
    ast.Div: "digits.div",
    ast.Pow: "digits.pow",
}
_NATIVE_OF_DIGITS: dict[Any, str] = {abs: "digits.abs", Decimal: "digits.of"}


def is_translatable(function: Function) -> bool:
    """Whether a function is of the table, and made of nothing that this file does not know.

    >>> from micrograd_bp import functions
    >>> is_translatable(functions.gelu), is_translatable(Function("user", print, print))
    (True, False)
    """
    if FUNCTIONS.get(function.key) is not function:
        return False
    try:
        _Translator().entry(function)
    except (TypeError, KeyError, OSError):
        return False
    return True


def write_table(entries: Iterable[Function]) -> str:
    """An object with what a page needs of each entry, by its key, and all that it calls.

    Args:
        entries: functions of the table.

    Returns:
        A JavaScript expression; the names in it are its own, but for ``python`` (python.js).

    Raises:
        TypeError: a function has something in it that this file does not translate.

    >>> from micrograd_bp import functions
    >>> print(write_table([functions.square]))
    (() => {
    function $square(x) { return (x * x); }
    function $square_partials(x) { return [(2.0 * x)]; }
    return {
    square: {name: "square", needs: "", value: $square, partials: $square_partials},
    };
    })()
    """
    translator = _Translator()
    rows = [translator.entry(entry) for entry in entries]
    lines = ["(() => {", *translator.texts.values(), "return {", *rows, "};", "})()"]
    return "\n".join(lines)


class _Translator:
    """Translates functions, each once, with those that they call."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._names: dict[FunctionType, str] = {}

    def entry(self, entry: Function) -> str:
        parts = [f"name: {json.dumps(entry.name)}", f"needs: {json.dumps(entry.needs)}"]
        for role in ("value", "partials", "domain", "pole", "flat"):
            function = getattr(entry, role)
            if function is not None:
                hint = entry.key if role == "value" else f"{entry.key}_{role}"
                parts.append(f"{role}: {self.reference(function, hint)}")
        return f"{entry.key}: {{{', '.join(parts)}}},"

    def reference(self, thing: Any, hint: str = "") -> str:
        """How JavaScript calls a number or function that Python code knows by a name."""
        if isinstance(thing, Function):
            return self.reference(thing.value, thing.key)
        if isinstance(thing, (int, float)):
            return _number(thing)
        if isinstance(thing, Decimal):
            return self.constant(hint, f'digits.of("{thing}")')
        if isinstance(thing, list):
            return self.constant(hint, json.dumps(thing))
        if thing in NATIVE:
            return NATIVE[thing]
        function = inspect.unwrap(thing) if isinstance(thing, _Cached) else thing
        keeps_all = thing is not function and thing.cache_parameters()["maxsize"] is None
        if not isinstance(function, FunctionType):
            raise TypeError(f"{thing!r} has no JavaScript")
        if function not in self._names:
            name = next((n for n, f in function.__globals__.items() if f is thing), hint)
            name = "$" + (name or function.__name__.strip("<>"))
            while name in self.texts:
                name += "_"
            self._names[function] = name
            self.texts[name] = ""  # the name is taken, also where it calls itself
            text = _Body(function, self).text(name)
            self.texts[name] = f"const {name} = python.cache({text});" if keeps_all else text
        return self._names[function]

    def constant(self, name: str, text: str) -> str:
        self.texts["$" + name] = f"const ${name} = {text};"
        return "$" + name


class _Body:
    """The translation of one function."""

    def __init__(self, function: FunctionType, translator: _Translator) -> None:
        self.function, self.translator = function, translator
        code = function.__code__
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        self.known = {**vars(builtins), **function.__globals__}
        self.known.update(zip(code.co_freevars, cells, strict=True))
        self.local = {*code.co_varnames, *code.co_cellvars}
        self.has_digits = function.__module__ == decimals.__name__

    def text(self, name: str) -> str:
        tree = _tree_of(self.function)
        arguments = self.arguments(tree.args)
        if isinstance(tree, ast.Lambda):
            return f"function {name}({arguments}) {{ return {self.of(tree.body)}; }}"
        names = sorted(_assigned(tree))
        declared = f"let {', '.join(names)};\n" if names else ""
        for argument, default in zip(tree.args.kwonlyargs, tree.args.kw_defaults, strict=True):
            if default is not None:  # an option, which is nowhere given in a page
                declared += f"const {argument.arg} = {self.of(default)};\n"
        return f"function {name}({arguments}) {{\n{declared}{self.block(tree.body)}}}"

    def arguments(self, arguments: ast.arguments) -> str:
        names = [argument.arg for argument in arguments.args]
        for i, default in enumerate(reversed(arguments.defaults), 1):
            names[-i] += f" = {self.of(default)}"
        if arguments.vararg:
            names.append(f"...{arguments.vararg.arg}")
        return ", ".join(names)

    # --- statements -------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> str:
        return "".join(map(self.statement, statements))

    def statement(self, node: ast.stmt) -> str:
        match node:
            case ast.Return(value=ast.expr() as value):
                return f"return {self.of(value)};\n"
            case ast.AnnAssign(value=None) | ast.Expr(value=ast.Constant()):
                return ""  # a type, or the docstring
            case ast.Expr(value=value):
                return f"{self.of(value)};\n"
            case ast.Assign(targets=[ast.Attribute()]):
                return ""  # the precision of a Decimal
            case ast.Assign(targets=[*others, target], value=value):
                first = "".join(f"{self.target(other)} = " for other in others)
                return first + self.assign(target, self.of(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self.assign(target, self.of(value))
            case ast.AugAssign(target=target, op=op, value=value):
                return f"{self.target(target)} = {self.operation(target, op, value)};\n"
            case ast.If(test=test, body=body, orelse=orelse):
                other = f"else {{\n{self.block(orelse)}}}\n" if orelse else ""
                return f"if ({self.of(test)}) {{\n{self.block(body)}}}\n{other}"
            case ast.While(test=test, body=body):
                return f"while ({self.of(test)}) {{\n{self.block(body)}}}\n"
            case ast.For(target=target, iter=iterable, body=body):
                head = f"for ({self.target(target)} of {self.of(iterable)})"
                return f"{head} {{\n{self.block(body)}}}\n"
            # JavaScript raises nowhere, and has one kind of number.
            case ast.Try(body=body) | ast.With(body=body):
                return self.block(body)
        raise _refused(node)

    def assign(self, target: ast.expr, value: str) -> str:
        if isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Starred):
            first, *last = target.elts
            names = ", ".join(map(self.target, last))
            whole = self.target(first.value) if isinstance(first, ast.Starred) else ""
            return f"{whole} = [...{value}]; [{names}] = {whole}.splice(-{len(last)});\n"
        return f"{self.target(target)} = {value};\n"

    def target(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Tuple(elts=elements):
                return f"[{', '.join(map(self.target, elements))}]"
            case ast.Subscript(value=value, slice=index):
                return f"{self.of(value)}[{self.of(index)}]"
        raise _refused(node)

    # --- expressions ------------------------------------------------------------------------------

    def of(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=bool() | None as value):
                return {True: "true", False: "false", None: "null"}[value]
            case ast.Constant(value=int() | float() as number):
                return _number(number)
            case ast.Constant(value=str() as text) if self.has_digits:
                return json.dumps(text)
            case ast.Name(id=name):
                return name if name in self.local else self.reference(self.known[name], name)
            case ast.Attribute():
                return self.reference(self.static(node))
            case ast.UnaryOp(op=ast.USub(), operand=operand) if self.has_digits:
                return f"digits.neg({self.of(operand)})"
            case ast.UnaryOp(op=op, operand=operand):
                return f"({_OPERATORS[type(op)]}{self.of(operand)})"
            case ast.BoolOp(op=op, values=values):
                return f"({_OPERATORS[type(op)].join(map(self.of, values))})"
            case ast.Compare(left=left, ops=ops, comparators=others):
                pairs = zip([left, *others], ops, others, strict=False)
                return f"({' && '.join(self.comparison(*pair) for pair in pairs)})"
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return f"({self.of(test)} ? {self.of(body)} : {self.of(orelse)})"
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return f"[{', '.join(map(self.of, elements))}]"
            case ast.Starred(value=value):
                return f"...{self.of(value)}"
            case ast.BinOp(left=left, op=op, right=right):
                return self.operation(left, op, right)
            case ast.Subscript(value=value, slice=ast.Slice(lower=low, upper=up, step=None)):
                ends = [self.of(low) if low else "0", *([self.of(up)] if up else [])]
                return f"{self.of(value)}.slice({', '.join(ends)})"
            case ast.Subscript(value=value, slice=index):
                return f"{self.of(value)}.at({self.of(index)})"
            case (
                ast.ListComp(elt=element, generators=[loop])
                | ast.GeneratorExp(elt=element, generators=[loop])
            ):
                return self.comprehension(element, loop)
            case ast.Lambda(args=arguments, body=body):
                inner = {argument.arg for argument in arguments.args}
                return f"(({self.arguments(arguments)}) => {self.within(inner, body)})"
            case ast.Call():
                return self.call(node)
        raise _refused(node)

    def reference(self, thing: Any, hint: str = "") -> str:
        if self.has_digits and inspect.isroutine(thing) | isinstance(thing, type):
            return _NATIVE_OF_DIGITS.get(thing) or self.translator.reference(thing)
        return self.translator.reference(thing, hint)

    def within(self, names: set[str], node: ast.expr) -> str:
        """An expression in which more names are local."""
        before, self.local = self.local, self.local | names
        text = self.of(node)
        self.local = before
        return text

    def comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
        match op:
            case ast.Is() if isinstance(right, ast.Constant):
                return f"{self.of(left)} === {self.of(right)}"
            case ast.Is():  # type(x) is float: so it is
                return "true"
            case ast.In():
                return f"{self.of(right)}.includes({self.of(left)})"
            case ast.NotIn():
                return f"!{self.of(right)}.includes({self.of(left)})"
        return f"{self.of(left)} {_OPERATORS[type(op)]} {self.of(right)}"

    def operation(self, left: ast.expr, op: ast.operator, right: ast.expr) -> str:
        x, y = self.of(left), self.of(right)
        if _is_list(left) and isinstance(op, ast.Mult):
            return f"python.repeat({x}, {y})"
        if _is_list(left) and isinstance(op, ast.Add):
            return f"[...{x}, ...{y}]"
        calls = _CALLS_OF_DIGITS if self.has_digits else _CALLS
        if type(op) in calls:
            return f"{calls[type(op)]}({x}, {y})"
        return f"({x} {_OPERATORS[type(op)]} {y})"

    def comprehension(self, element: ast.expr, loop: ast.comprehension) -> str:
        names = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
        items = self.of(loop.iter)
        target = self.target(loop.target)
        for test in loop.ifs:
            items = f"Array.from({items}).filter(({target}) => {self.within(names, test)})"
        return f"Array.from({items}, ({target}) => {self.within(names, element)})"

    def call(self, node: ast.Call) -> str:
        arguments = list(map(self.of, node.args))
        if isinstance(node.func, ast.Attribute) and not self.is_static(node.func):
            return self.method(self.of(node.func.value), node.func.attr, arguments)
        if isinstance(node.func, ast.Name) and node.func.id in self.local:
            return f"{node.func.id}({', '.join(arguments)})"
        function = self.static(node.func)
        if function is len:
            return f"{arguments[0]}.length"
        if function is isinstance:  # of a float, and of no Decimal
            return str(self.static(node.args[1]) is float).lower()
        given = {f"{word.arg}": self.of(word.value) for word in node.keywords}
        given.pop("strict", None)
        if isinstance(function, FunctionType):
            missing = list(inspect.signature(function).parameters.values())[len(arguments) :]
            while given:
                parameter = missing.pop(0)
                arguments.append(given.pop(parameter.name, "") or _number(parameter.default))
        arguments += given.values()
        return f"{self.reference(function)}({', '.join(arguments)})"

    def method(self, number: str, name: str, arguments: Sequence[str]) -> str:
        """Of a list, or of what is a Decimal in Python."""
        if name == "remove":
            return f"{number}.splice({number}.indexOf({arguments[0]}), 1)"
        if self.has_digits:
            return f"{number}.{name}({', '.join(arguments)})"
        return f"Math.{ {'ln': 'log', 'exp': 'exp'}[name] }({number})"

    def is_static(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Attribute) and (
            isinstance(node.value, ast.Name)
            and isinstance(self.known.get(node.value.id), ModuleType)
            and node.value.id not in self.local
        )

    def static(self, node: ast.expr) -> Any:
        """What a name stands for when the page is written."""
        if isinstance(node, ast.Name) and node.id not in self.local:
            return self.known[node.id]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return getattr(self.known[node.value.id], node.attr)
        raise _refused(node)


def _refused(node: ast.AST) -> TypeError:
    return TypeError(f"the page has no JavaScript for {ast.unparse(node)}")


def _number(number: float) -> str:
    if isnan(number):
        return "NaN"
    text = str(number).replace("inf", "Infinity").replace("True", "true").replace("False", "false")
    return f"({text})" if text.startswith("-") or isinf(number) else text


def _is_list(node: ast.expr) -> bool:
    match node:
        case ast.List() | ast.Tuple() | ast.ListComp() | ast.Subscript(slice=ast.Slice()):
            return True
        case ast.BinOp(left=left):
            return _is_list(left)
    return False


def _assigned(tree: ast.FunctionDef) -> set[str]:
    """The names that a function assigns, but for its arguments."""
    arguments = {node.arg for node in ast.walk(tree.args) if isinstance(node, ast.arg)}
    found: set[str] = set()
    targets: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets += node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.For)):
            targets.append(node.target)
    for target in targets:
        found.update(
            node.id
            for node in ast.walk(target)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
    return found - arguments


# --- from a function to its source ----------------------------------------------------------------


def _tree_of(function: FunctionType) -> _Tree:
    """The source of a function; of several lambdas in a line that with the same bytecode."""
    code = function.__code__
    found = [
        tree
        for tree in _trees(function.__globals__["__name__"])
        if _first_line(tree) == code.co_firstlineno
        and [argument.arg for argument in tree.args.args]
        == list(code.co_varnames[: code.co_argcount])
    ]
    if len(found) > 1:
        found = [tree for tree in found if _alike(_compiled(tree, code.co_freevars), code)]
    if not found:
        raise TypeError(f"the source of {function.__qualname__} is not there to be translated")
    return found[0]


def _first_line(tree: _Tree) -> int:
    decorators = tree.decorator_list if isinstance(tree, ast.FunctionDef) else []
    return min(node.lineno for node in (*decorators, tree))


@functools.cache
def _trees(module: str) -> list[_Tree]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Lambda, ast.FunctionDef))]


def _compiled(tree: _Tree, free: Sequence[str]) -> CodeType:
    """The bytecode of a lambda in which some names are those of a function around it."""
    outer = ast.parse(f"def outer({', '.join(free)}): return None")
    definition = outer.body[0]
    assert isinstance(definition, ast.FunctionDef)
    assert isinstance(tree, ast.Lambda)
    definition.body = [ast.copy_location(ast.Return(tree), tree)]
    code = compile(outer, "", "exec")
    for _ in range(2):
        code = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
    return code


def _alike(one: CodeType, other: CodeType) -> bool:
    read: Callable[[CodeType], Any] = lambda code: (  # noqa: E731
        code.co_code,
        code.co_names,
        [repr(x) for x in code.co_consts if not isinstance(x, CodeType)],
    )
    return bool(read(one) == read(other))
