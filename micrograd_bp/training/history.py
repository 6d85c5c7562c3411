"""How the error went down in a training: as a table, a data frame and a picture."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..numeric import show


@dataclass
class History:
    """How the error went down; ``print`` shows it as a table.

    Attributes:
        error_before, error_after: the error E over the training data before and after each
            epoch, in order.
        validation: the error over the validation data after each epoch; empty without such data.
        ended: why there was no further epoch.

    Raises:
        ValueError: by ``best_epoch`` and ``plot``, before there was an epoch.

    >>> print(History([4.0, 1.0], [1.0, 0.25], ended="after 2 epochs"))
    epoch  error before   error after
        1             4             1
        2             1          0.25
    after 2 epochs
    """

    error_before: list[float] = field(default_factory=list)
    error_after: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    ended: str = ""

    @property
    def best_epoch(self) -> int:
        """The number of the epoch after which the error was lowest, over validation data if any.

        >>> History([4.0, 1.0], [1.0, 2.0]).best_epoch
        1
        """
        errors = self.validation or self.error_after
        if not errors:
            raise ValueError("there was no epoch yet")
        return 1 + errors.index(min(errors))

    def __repr__(self) -> str:
        if not self.error_after:
            return "History(no epoch)"
        validation = f", validation {self.validation[-1]:.6g}" if self.validation else ""
        return (
            f"History({len(self.error_after)} epochs: error {self.error_before[0]:.6g} ->"
            f" {self.error_after[-1]:.6g}{validation}; {self.ended})"
        )

    def __str__(self) -> str:
        columns = {"error before": self.error_before, "error after": self.error_after}
        if self.validation:
            columns["validation"] = self.validation
        lines = ["epoch" + "".join(f"{name:>14}" for name in columns)]
        n = len(self.error_after)
        for i in sorted({round(k * (n - 1) / 9) for k in range(10)}) if n else ():
            numbers = (f"{column[i]:14.6g}" for column in columns.values())
            lines.append(f"{i + 1:5}" + "".join(numbers))
        return "\n".join([*lines, self.ended])

    def to_frame(self) -> Any:
        """The errors as a pandas DataFrame, a row an epoch.

        Returns:
            A frame with the columns error_before, error_after and perhaps validation; its index
            is the number of the epoch.

        Raises:
            ImportError: there is no pandas.

        >>> History([4.0, 1.0], [1.0, 0.25]).to_frame()  # doctest: +SKIP
               error_before  error_after
        epoch
        1               4.0         1.00
        2               1.0         0.25
        """
        columns = {"error_before": self.error_before, "error_after": self.error_after}
        if self.validation:
            columns["validation"] = self.validation
        pandas = _library("pandas")
        index = pandas.RangeIndex(1, len(self.error_after) + 1, name="epoch")
        return pandas.DataFrame(columns, index)

    def plot(self, ax: Any = None) -> Any:
        """Draw the error over the epochs, that over validation data too, by matplotlib.

        Args:
            ax: the axes to draw on; new ones unless given.

        Returns:
            The axes. The error is on a logarithmic scale where it falls to a tenth or less.

        Raises:
            ImportError: there is no matplotlib.
            ValueError: there was no epoch yet.

        >>> History([4.0, 1.0], [1.0, 0.25]).plot().get_xlabel()
        'epoch'
        """
        best = self.best_epoch
        ax = new_axes(ax)
        errors = [*self.error_before[:1], *self.error_after]
        ax.plot(range(len(errors)), errors, color=COLORS[0], label="training")
        if self.validation:
            epochs = range(1, len(self.validation) + 1)
            ax.plot(epochs, self.validation, color=COLORS[1], label="validation")
            ax.plot(
                [best], [self.validation[best - 1]], "o", color=COLORS[1], label=f"epoch {best}"
            )
            ax.legend()
        if 0.0 < 10.0 * min(errors) <= max(errors):
            ax.set_yscale("log")
        locator = ax.xaxis.get_major_locator()
        if isinstance(locator, _library("matplotlib.ticker").MaxNLocator):
            locator.set_params(integer=True)
        ax.set(xlabel="epoch", ylabel="error E")
        return ax


# Told apart by all, whatever colours they see: Okabe & Ito 2008.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000"]


def new_axes(ax: Any = None) -> Any:
    """The axes of matplotlib that are given, or new ones.

    Raises:
        ImportError: there is no matplotlib.
        TypeError: what is given is something else, such as an array of axes.
    """
    if ax is None:
        return _library("matplotlib.pyplot").subplots(layout="constrained")[1]
    if not hasattr(ax, "set_xlabel"):
        raise TypeError(f"ax is the axes of matplotlib to draw on, not {show(ax)}")
    return ax


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(f"this needs {package}: pip install {package}") from error
