"""The look of the pictures: type, and colours that show a number.

A hue stands for the sign, a shade for the magnitude. Blue and orange are told apart by colour-blind
readers (after Okabe & Ito, "Color universal design", 2008), and no meaning rests on colour alone:
the numbers themselves stand beside. All fills are light enough for dark text, and a picture lies on
white paper also where the page is dark.
"""

from collections.abc import Iterable
from math import isfinite
from typing import NamedTuple

TITLE, TEXT, SMALL = 12, 11, 10  # sizes of type
TIMES = "\u00d7"
FONT = "Helvetica,Arial,sans-serif"
INK, GREY, PALE, WHITE = "#222222", "#666666", "#bbbbbb", "#ffffff"
BLUE, ORANGE, RED = "#0072b2", "#b35c00", "#a50f5c"

SHADES = 4  # each stands for a power of ten
NEGATIVE = ("#eef5fb", "#cfe3f4", "#a3cbea", "#74b0de")
POSITIVE = ("#fef4e4", "#fce2ba", "#f8c983", "#f0ab4b")
EITHER = ("#f5f5f5", "#e4e4e4", "#cfcfcf", "#b5b5b5")


class Swatch(NamedTuple):
    """One entry of a legend."""

    fill: str
    text: str


class Scale(NamedTuple):
    """Shades for numbers up to a largest magnitude.

    Attributes:
        top: the power of ten from which on the shade is the darkest.
    """

    top: int

    def shade(self, number: float) -> int:
        """Which shade, from 0 the lightest, a number other than 0 has.

        >>> [Scale(top=-1).shade(x) for x in (0.5, 0.1, -0.05, 1e-9)]
        [3, 3, 2, 0]
        """
        return max(0, min(SHADES - 1, _power_of_ten(number) - self.top + SHADES - 1))

    def fill(self, number: float | None) -> str:
        """The colour of a number with a sign; white for 0, for None and for nan."""
        if not number or not isfinite(number):
            return WHITE
        return (NEGATIVE if number < 0 else POSITIVE)[self.shade(number)]

    def fill_of_magnitude(self, magnitude: float | None) -> str:
        """The colour of a magnitude, which has no sign."""
        if not magnitude or not isfinite(magnitude):
            return WHITE
        return EITHER[self.shade(magnitude)]

    def signed_legend(self) -> list[Swatch]:
        """The shades from the most negative to the most positive number.

        >>> [swatch.text for swatch in Scale(top=0).signed_legend()][-3:]
        ['≥ 0.01', '≥ 0.1', '≥ 1']
        """
        bounds = self._bounds()
        below = [Swatch(NEGATIVE[0], "< 0")]
        below += [Swatch(fill, f"≤ -{b}") for fill, b in zip(NEGATIVE[1:], bounds, strict=True)]
        above = [Swatch(POSITIVE[0], "> 0")]
        above += [Swatch(fill, f"≥ {b}") for fill, b in zip(POSITIVE[1:], bounds, strict=True)]
        return [*below[::-1], Swatch(WHITE, "0"), *above]

    def magnitude_legend(self) -> list[Swatch]:
        """The shades of magnitudes."""
        above = [Swatch(fill, f"≥ {b}") for fill, b in zip(EITHER[1:], self._bounds(), strict=True)]
        return [Swatch(WHITE, "0"), Swatch(EITHER[0], "> 0"), *above]

    def _bounds(self) -> list[str]:
        return [f"{10.0**power:g}" for power in range(self.top - SHADES + 2, self.top + 1)]


def scale_for(numbers: Iterable[float | None]) -> Scale | None:
    """The scale whose darkest shade the largest of the numbers has; None if all are 0 or unknown.

    >>> scale_for([0.2, None, -30.0])
    Scale(top=1)
    """
    largest = max((abs(x) for x in numbers if x and isfinite(x)), default=0.0)
    return Scale(_power_of_ten(largest)) if largest else None


def _power_of_ten(number: float) -> int:
    # By way of its decimal digits, so that 0.001 is of the power -3 whatever log10 rounds to.
    return int(f"{abs(number):.15e}".partition("e")[2])
