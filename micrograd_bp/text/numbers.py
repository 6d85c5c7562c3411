"""Numbers as people read them: one place for each of the forms, and why it is not another.

A table has Python's own form, which can be pasted back; the page has that of its script, which
writes the same numbers anew in JavaScript; a picture has little room, and columns of points.
None writes the sign of a zero.
"""

import re
from math import isfinite

PICTURE_WIDTH = 6  # characters of a number in a picture, without its sign


def significant(number: float, digits: int = 6) -> str:
    """A number in a table or a sentence, to so many significant digits, as Python writes it.

    >>> [significant(x) for x in (0.5, -0.0, 1 / 3, 1e-7)], significant(1 / 3, 12)
    (['0.5', '0', '0.333333', '1e-07'], '0.333333333333')
    """
    return f"{number + 0.0:.{digits}g}"


def decimals(number: float) -> str:
    """A number with eight decimals, so that a column shows where it agrees with the next.

    >>> decimals(1 / 3), decimals(-0.0), decimals(1e-7)
    ('0.33333333', '0.00000000', '1.000000e-07')
    """
    if number == 0.0 or 1e-3 <= abs(number) < 1e6:
        return f"{number + 0.0:.8f}"
    return f"{number:.6e}"


def scripted(number: float, digits: int = 6) -> str:
    """A number as the page's script writes it: to six digits in a text, to four in a picture.

    >>> [scripted(x) for x in (0.5, -0.0, 1 / 3, 1e-7, 123456789.0, float("inf"))]
    ['0.5', '0', '0.333333', '1e-7', '1.23457e8', 'inf']
    >>> [scripted(x, 4) for x in (1 / 3, 0.00012345)]
    ['0.3333', '1.234e-4']
    """
    if not isfinite(number):
        return f"{number}"
    mantissa, exponent = f"{number + 0.0:.{digits - 1}e}".split("e")
    if number == 0.0 or -digits < int(exponent) < digits:
        text = f"{number + 0.0:.{digits - 1 - int(exponent)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{float(mantissa):g}e{int(exponent)}"


def pictured(number: float) -> str:
    """A number in a picture, in at most six characters and a sign.

    Four decimals or fewer, so that the numbers of a column stand with their points aligned, or
    scientific notation.

    >>> [pictured(x) for x in (0.5, -0.123456, 1234.56, 5e-5, float("nan"))]
    ['0.5000', '-0.1235', '1234.6', '5.0e-5', 'nan']
    """
    if not isfinite(number):
        return f"{number}"
    sign, size = "-" if number < 0 else "", abs(number)
    if size == 0 or size >= 1e-3:
        for places in (4, 3, 2, 1):
            text = f"{size:.{places}f}"
            if len(text) <= PICTURE_WIDTH:
                return sign + text
    for places in (2, 1, 0):
        mantissa, exponent = f"{size:.{places}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
        if len(text) <= PICTURE_WIDTH:
            break
    return sign + text


def number_formula(text: str) -> str:
    r"""A number written by Python as LaTeX; "" if the text is no number.

    >>> print(number_formula("-1.5e-05"))
    -1.5 \times 10^{-5}
    """
    if not re.fullmatch(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf|nan)", text):
        return ""
    digits, _, exponent = text.partition("e")
    digits = digits.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return rf"{digits} \times 10^{{{int(exponent)}}}" if exponent else digits
