"""What an SVG picture says: its texts, with an index below as _1 and one above as ^(1)."""

from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def text_of(element: ElementTree.Element) -> str:
    """The text of an element, spaces unified."""
    result, height = element.text or "", 0.0
    for span in element.iter(f"{SVG}tspan"):
        height += float(span.get("dy", 0.0))
        mark = ""
        if span.get("font-size") == "75%":
            mark = "_" if height > 0 else "^"
        result += mark + (span.text or "")
        result += (span.tail or "") if span in list(element) else ""
    return " ".join(result.split())


def texts(svg: str) -> list[str]:
    """Those of all text elements."""
    return [text_of(text) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
