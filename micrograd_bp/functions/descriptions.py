"""What the elementary functions say of themselves: docstrings, of functions and methods alike.

Values and derivatives of the examples stand here as text; the doctests of elementary.py and
methods.py hold them against what the engine gives.
"""

from typing import NamedTuple


class Description(NamedTuple):
    """An elementary function in words, with one example.

    Attributes:
        summary: what it gives.
        example: its arguments, as code.
        result: its value there, as code.
        slopes: its derivative by each argument there; with six decimals it is rounded.
        raises: the error outside its domain or range, and when.
    """

    summary: str
    example: str
    result: str
    slopes: str
    raises: str = ""


DESCRIPTIONS = {
    "exp": Description(
        "the exponential function, e**x",
        "1.0",
        "2.718281828459045",
        "2.718282",
        "OverflowError: x > 709.78.",
    ),
    "exp2": Description(
        "the power of two, 2**x", "3.0", "8.0", "5.545177", "OverflowError: x >= 1024."
    ),
    "expm1": Description(
        "e**x - 1, accurate near 0",
        "1e-9",
        "1.0000000005000001e-09",
        "1.000000001",
        "OverflowError: x > 709.78.",
    ),
    "log": Description(
        "natural logarithm", "10.0", "2.302585092994046", "0.1", "ValueError: x <= 0."
    ),
    "log2": Description("logarithm to base 2", "8.0", "3.0", "0.180337", "ValueError: x <= 0."),
    "log10": Description(
        "logarithm to base 10", "1000.0", "3.0", "0.000434", "ValueError: x <= 0."
    ),
    "log1p": Description(
        "log(1 + x), accurate near 0",
        "0.001",
        "0.0009995003330835331",
        "0.999001",
        "ValueError: x <= -1.",
    ),
    "sqrt": Description(
        "square root; the derivative at 0 is infinite",
        "2.0",
        "1.4142135623730951",
        "0.353553",
        "ValueError: x < 0.",
    ),
    "cbrt": Description(
        "cube root, of negative numbers too; the derivative at 0 is infinite",
        "-8.0",
        "-2.0",
        "0.083333",
    ),
    "square": Description("x * x", "3.0", "9.0", "6.0", "OverflowError: abs(x) > 1.3e154."),
    "reciprocal": Description("1 / x", "4.0", "0.25", "-0.0625", "ZeroDivisionError: x = 0."),
    "sin": Description("sine of x radians", "1.0", "0.8414709848078965", "0.540302"),
    "cos": Description("cosine of x radians", "1.0", "0.5403023058681398", "-0.841471"),
    "tan": Description("tangent of x radians", "1.0", "1.5574077246549023", "3.425519"),
    "asin": Description(
        "arc sine, in radians; the derivative at -1 and 1 is infinite",
        "0.5",
        "0.5235987755982989",
        "1.154701",
        "ValueError: x < -1 or x > 1.",
    ),
    "acos": Description(
        "arc cosine, in radians; the derivative at -1 and 1 is infinite",
        "0.5",
        "1.0471975511965979",
        "-1.154701",
        "ValueError: x < -1 or x > 1.",
    ),
    "atan": Description("arc tangent, in radians", "1.0", "0.7853981633974483", "0.5"),
    "sinh": Description(
        "hyperbolic sine",
        "1.0",
        "1.1752011936438014",
        "1.543081",
        "OverflowError: abs(x) > 710.47.",
    ),
    "cosh": Description(
        "hyperbolic cosine",
        "1.0",
        "1.5430806348152437",
        "1.175201",
        "OverflowError: abs(x) > 710.47.",
    ),
    "tanh": Description(
        "hyperbolic tangent, with the derivative 1 - tanh(x)**2",
        "1.0",
        "0.7615941559557649",
        "0.419974",
    ),
    "asinh": Description("inverse hyperbolic sine", "1.0", "0.881373587019543", "0.707107"),
    "acosh": Description(
        "inverse hyperbolic cosine; the derivative at 1 is infinite",
        "1.25",
        "0.6931471805599453",
        "1.333333",
        "ValueError: x < 1.",
    ),
    "atanh": Description(
        "inverse hyperbolic tangent",
        "0.5",
        "0.5493061443340548",
        "1.333333",
        "ValueError: x <= -1 or x >= 1.",
    ),
    "erf": Description("error function", "0.5", "0.5204998778130465", "0.878783"),
    "erfc": Description(
        "complementary error function, 1 - erf(x)", "0.5", "0.4795001221869535", "-0.878783"
    ),
    "sigmoid": Description(
        "logistic sigmoid, 1 / (1 + exp(-x)), with the derivative s (1 - s)",
        "1.0",
        "0.7310585786300049",
        "0.196612",
    ),
    "softplus": Description(
        "log(1 + exp(x)), with the derivative sigmoid(x)", "1.0", "1.3132616875182228", "0.731059"
    ),
    "log_sigmoid": Description(
        "log(sigmoid(x)), which does not underflow in between",
        "1.0",
        "-0.31326168751822286",
        "0.268941",
    ),
    "relu": Description("max(x, 0); the derivative at 0 is 0", "-3.0", "0.0", "0.0"),
    "gelu": Description(
        "x times the cumulative standard normal distribution (Hendrycks & Gimpel 2016)",
        "1.0",
        "0.841344746068543",
        "1.083315",
    ),
    "silu": Description(
        "x * sigmoid(x), also called swish", "2.0", "1.7615941559557646", "1.090784"
    ),
    "softsign": Description("x / (1 + abs(x))", "3.0", "0.75", "0.0625"),
    "abs": Description("absolute value; the derivative at 0 is 0", "-3.0", "3.0", "-1.0"),
    "sign": Description("-1, 0 or 1; the derivative is 0", "-3.0", "-1.0", "0.0"),
    "step": Description("1 above 0, else 0; the derivative is 0", "0.0", "0.0", "0.0"),
    "floor": Description("largest integer not above x; the derivative is 0", "-1.5", "-2.0", "0.0"),
    "ceil": Description("smallest integer not below x; the derivative is 0", "-1.5", "-1.0", "0.0"),
    "atan2": Description(
        "angle of a point, its y first, in radians; both derivatives are 0 at the origin",
        "1.0, 1.0",
        "0.7853981633974483",
        "0.5, -0.5",
    ),
    "hypot": Description(
        "length of the vector (x, y); both derivatives are 0 at the origin",
        "3.0, 4.0",
        "5.0",
        "0.6, 0.8",
        "OverflowError: the length is beyond 1.8e308.",
    ),
    "maximum": Description(
        "the larger of two; at a tie the derivative is 1/2 by each", "2.0, 3.0", "3.0", "0.0, 1.0"
    ),
    "minimum": Description(
        "the smaller of two; at a tie the derivative is 1/2 by each", "2.0, 3.0", "2.0", "1.0, 0.0"
    ),
    "logaddexp": Description(
        "log(exp(x) + exp(y)), which neither over- nor underflows in between",
        "1000.0, 1000.0",
        "1000.6931471805599",
        "0.5, 0.5",
    ),
}

_FUNCTION = """{name}({arguments}): {summary}.

    Args:
        {arguments}: {kind}.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: an argument is neither.{raises}

    >>> {name}({example})
    {result}
    >>> {arguments} = {values}
    >>> {name}({arguments}).backward()
    >>> {grads}
    {slopes}
    """

_METHOD = """x.{name}({rest}): {summary}.

    As the function ``micrograd_bp.{name}``.{args}{raises}

    >>> from micrograd_bp import Value
    >>> Value({first}).{name}({others}).data
    {result}
    """


def function_doc(name: str) -> str:
    """The docstring of an elementary function.

    >>> function_doc("atan").splitlines()[0]
    'atan(x): arc tangent, in radians.'
    """
    summary, example, result, slopes, raises = DESCRIPTIONS[name]
    names = ("x", "y")[: example.count(",") + 1]
    grads = [
        f"round({x}.grad, 6)" if len(slope.partition(".")[2]) == 6 else f"{x}.grad"
        for x, slope in zip(names, slopes.split(", "))
    ]
    several = len(names) > 1
    return _FUNCTION.format(
        name=name,
        arguments=", ".join(names),
        kind="numbers or Values" if several else "a number or Value",
        summary=summary,
        raises=f"\n        {raises}" if raises else "",
        example=example,
        result=result,
        values=", ".join(f"Value({number})" for number in example.split(", ")),
        grads=", ".join(grads),
        slopes=f"({slopes})" if several else slopes,
    )


def method_doc(name: str) -> str:
    """The docstring of the method of the same name.

    >>> method_doc("log").splitlines()[0]
    'x.log(): natural logarithm.'
    """
    summary, example, result, _, raises = DESCRIPTIONS[name]
    first, _, others = example.partition(", ")
    errors = ["TypeError: y is neither."] * bool(others) + [raises] * bool(raises)
    return _METHOD.format(
        name=name,
        rest="y" if others else "",
        summary=summary,
        args="\n\n    Args:\n        y: a number or Value." if others else "",
        raises="".join(["\n\n    Raises:"] * bool(errors) + [f"\n        {e}" for e in errors]),
        first=first,
        others=others,
        result=result,
    )
