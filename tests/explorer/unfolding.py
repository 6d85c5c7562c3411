"""What a page shows only once it is unfolded."""

from typing import Any

# The browser tells the page after the element is open, at a time of its own choice.
UNFOLD = """(which) => Promise.all([...document.querySelectorAll(which)]
  .filter((one) => !one.open)
  .map((one) => new Promise((told) => {
    one.addEventListener("toggle", told, {once: true});
    one.open = true;
  })))"""


def unfold(page: Any, which: str = "details") -> None:
    """Opens the elements that a selector names, and waits until the page has filled them."""
    page.evaluate(UNFOLD, which)
