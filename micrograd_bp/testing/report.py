"""What a check of gradients found: a report that prints well, and the error that carries it."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Mismatch:
    """One number that is not what it should be.

    Attributes:
        what: which number, such as "d f / d input 0[1]".
        expected: what the check takes for the truth.
        got: what the engine gave.
        allowed: how far the two may lie apart.
        note: what else there is to say.

    >>> print(Mismatch("d f / d x", expected=2.0, got=3.0, allowed=1e-9))
    d f / d x: expected 2.0, got 3.0: off by 1, 0.5 of it; 1e-09 is allowed
    """

    what: str
    expected: float
    got: float
    allowed: float
    note: str = ""

    def __str__(self) -> str:
        off = abs(self.got - self.expected)
        if not isfinite(off):
            return f"{self.what}: expected {self.expected!r}, got {self.got!r}"
        share = f", {off / abs(self.expected):.2g} of it" if self.expected else ""
        note = f" ({self.note})" if self.note else ""
        return (
            f"{self.what}: expected {self.expected!r}, got {self.got!r}: off by {off:.3g}{share};"
            f" {self.allowed:.3g} is allowed{note}"
        )


@dataclass(frozen=True)
class Report:
    """The outcome of a check; true where nothing is wrong.

    Attributes:
        subject: what was checked.
        checked: how many numbers were compared, not counting those that could not be.
        mismatches: those that are wrong.
        notes: what could not be checked, and why.

    >>> report = Report("gradcheck of f", 2, (Mismatch("d f / d input 0", 2.0, 3.0, 1e-9),))
    >>> print(report)
    gradcheck of f: 2 compared, 1 wrong
      d f / d input 0: expected 2.0, got 3.0: off by 1, 0.5 of it; 1e-09 is allowed
    >>> bool(report)
    False
    """

    subject: str
    checked: int
    mismatches: tuple[Mismatch, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.mismatches

    def __str__(self) -> str:
        verdict = f"{len(self.mismatches)} wrong" if self.mismatches else "all right"
        if not (self.checked or self.mismatches):
            verdict = "none wrong"
        lines = [f"{self.subject}: {self.checked} compared, {verdict}"]
        lines += [f"  {mismatch}" for mismatch in self.mismatches]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    __repr__ = __str__  # a prompt shows it as print does

    def raise_if_wrong(self) -> "Report":
        """The report itself where nothing is wrong.

        Raises:
            GradientError: there is a mismatch.

        >>> Report("f", 1).raise_if_wrong().checked
        1
        >>> try:
        ...     Report("f", 1, (Mismatch("d f / d x", 1.0, 2.0, 0.0),)).raise_if_wrong()
        ... except GradientError as error:
        ...     print(error.report.mismatches[0])
        d f / d x: expected 1.0, got 2.0: off by 1, 1 of it; 0 is allowed
        """
        if self.mismatches:
            raise GradientError(self)
        return self


class GradientError(AssertionError):
    """A gradient is wrong; the report says which and by how much.

    Args:
        report: the Report, with a mismatch at least; the attribute ``report`` is the same.

    >>> print(GradientError(Report("f", 1, (Mismatch("d f / d x", 1.0, 2.0, 0.0),))))
    f: 1 compared, 1 wrong
      d f / d x: expected 1.0, got 2.0: off by 1, 1 of it; 0 is allowed
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return str(self.report)
