"""Numbers that do not fit into the circles of the page's network."""

from typing import Any

OUTSIDE = """() => [...document.querySelectorAll("#network .node")].flatMap((node) => {
  const {cx, cy, r} = node.querySelector("circle");
  return [...node.querySelectorAll("text")].filter((text) => {
    const {x, y, width, height} = text.getBBox();
    const across = Math.max(cx.baseVal.value - x, x + width - cx.baseVal.value);
    const down = Math.abs(y + height / 2 - cy.baseVal.value);
    return Math.hypot(across, down) > r.baseVal.value;
  }).map((text) => text.textContent);
})"""


def numbers_outside(page: Any) -> list[str]:
    """The texts of units that leave their circles."""
    found: list[str] = page.evaluate(OUTSIDE)
    return found
