"""Labels and scopes of every kind in pictures: valid SVG each time, and no markup of theirs in it.

The yardstick is the picture of the same graph with harmless labels: whatever a label says, the
tree of elements is the same.
"""

import functools
import re
import shutil
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp import MLP, Value, fsum, scope
from micrograd_bp.drawing import draw, draw_network

LAYOUTS = [
    "builtin",
    pytest.param(
        "dot",
        marks=pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz on this machine"),
    ),
]
HOSTILE = {
    "quotes": "say \"x\" and 'y' `z`",
    "a script": "</text></svg><script>alert(1)</script>",
    "an attribute": '" onload="alert(1)" x="',
    "a link": '<a xlink:href="javascript:alert(1)">w</a>',
    "a foreign object": "<foreignObject><body onload=alert(1)></foreignObject>",
    "entities": "&amp; &lt;b&gt; &#60;i&#62; &bogus; &#0; & &",
    "a document type": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "comments": "]]> --> <!-- <![CDATA[ <?xml version='1.0'?>",
    "newlines": "two\nlines\r\nand\rmore\ttabs\v\f\x1c\x85\u2028\u2029end",
    "control characters": "".join(map(chr, range(32)))
    + "\x7f"
    + "".join(map(chr, range(128, 160))),
    "backslashes": "\\ \\N \\G \\E \\L \\n \\l \\r \\\\ \\",
    "DOT": ']; n0 -> n0; n9 [label="x", URL="javascript:alert(1)"]; } digraph { //',
    "DOT markup": '<TABLE><TR><TD HREF="x" PORT="y"><IMG SRC="z"/></TD></TR></TABLE> | {a|b}',
    "emoji": "👩‍🔬🏳️‍🌈 δ_j ∂E/∂w 漢字 עברית\u202e\u2066",
    "accents": "Z" + "\u0301\u0323\u20d0" * 500,
    "surrogates": "\ud800 \udfff \udc80\ud83d\ude00\ud83d",
    "no characters": "\ufffe\uffff\U0001ffff\U0010ffff\ufdd0\ue000\ufeff\u200b\u00ad",
    "10,000 letters": "x" * 10_000,
    "10,000 marks": '<"&>\n' * 2_000,
    "10,000 emoji": "😀" * 10_000,
    "10,000 words": "w " * 5_000,
}


def sum_of_labelled(labels: Sequence[str], engine: str) -> str:
    """Every label as that of a leaf, of the root, of a scope and of a scope inside another."""
    leaves = []
    for i, label in enumerate(labels):
        step = f"{i}{label}".replace("/", "|")  # a slash would make two scopes of one
        with scope(step), scope(step):
            leaves.append(Value(2.0, f"a{label}b") * 3.0)
    root = fsum(leaves)
    root.label = f"a{labels[0]}b"
    root.backward()
    return draw(root, edges="contribution", engine=engine).svg


def folded(labels: Sequence[str], engine: str) -> str:
    """Scopes that are too large to show, as boxes; the first of them opened by its name."""
    steps = [f"{i}{label}".replace("/", "|") for i, label in enumerate(labels)]
    leaves = [Value(0.5, f"a{label}b") for label in labels]
    for _ in range(40):
        for i, step in enumerate(steps):
            with scope(step):
                leaves[i] = (-leaves[i]).tanh()
    root = fsum([*leaves, 1.0])
    return draw(root, depth=0, open=[leaves[0].scope], engine=engine).svg


def tree(element: ElementTree.Element, merged: bool) -> Any:
    """Tags and the names of attributes; merged: a run of texts as one, which is how dot cuts a
    line where the font changes."""
    children = []
    for child in element:
        is_index = child.tag.endswith("}tspan")  # a label such as w_12 has one
        if not is_index and not (
            merged and child.tag.endswith("}text") and children and children[-1][0] == child.tag
        ):
            children.append(tree(child, merged))
    return element.tag, sorted(element.attrib), children


@functools.cache
def harmless(picture: Callable[[Sequence[str], str], str], number: int, engine: str) -> Any:
    svg = picture(["harmless"] * number, engine)
    return tree(ElementTree.fromstring(svg), engine == "dot")


def assert_harmless(
    picture: Callable[[Sequence[str], str], str], labels: Sequence[str], engine: str
) -> None:
    svg = picture(labels, engine)
    root = ElementTree.fromstring(svg.encode())
    assert tree(root, engine == "dot") == harmless(picture, len(labels), engine)
    for element in root.iter():
        for value in element.attrib.values():
            assert re.fullmatch(r"[\w#%.,:() \n-]*", value, re.ASCII)
    assert not re.search("<[!?]", svg.removeprefix("<?xml").replace("<!DOCTYPE svg PUBLIC", ""))


@pytest.mark.parametrize("engine", LAYOUTS)
@pytest.mark.parametrize("picture", [sum_of_labelled, folded])
@pytest.mark.parametrize("label", HOSTILE.values(), ids=HOSTILE)
def test_no_label_or_scope_adds_an_element_to_a_picture(
    label: str, picture: Callable[[Sequence[str], str], str], engine: str
) -> None:
    assert_harmless(picture, [label], engine)


@pytest.mark.parametrize("engine", LAYOUTS)
def test_all_of_them_in_one_picture_add_no_element(engine: str) -> None:
    assert_harmless(sum_of_labelled, list(HOSTILE.values()), engine)


@pytest.mark.parametrize("label", HOSTILE.values(), ids=HOSTILE)
def test_labels_of_ten_thousand_characters_do_not_blow_up_a_picture(label: str) -> None:
    plain = sum_of_labelled(["harmless"], "builtin")
    assert len(sum_of_labelled([label], "builtin")) < len(plain) + 4 * 6 * 70


pieces = st.sampled_from(
    [*"<>&\"'/\\[]{}|;\n\0\ud800\u202e", "</text>", "<!--", "]]>", "&#", "\\N"]
)
texts = st.lists(pieces | st.characters(exclude_categories=()), max_size=12).map("".join)


@pytest.mark.parametrize("engine", LAYOUTS)
def test_random_labels_add_no_element(engine: str) -> None:
    @settings(max_examples=settings.default.max_examples // (4 if engine == "dot" else 1))
    @given(st.lists(texts, min_size=1, max_size=5))
    def check(labels: list[str]) -> None:
        assert_harmless(sum_of_labelled, labels, engine)

    check()


def network(label: str) -> Any:
    """The picture of a network on nodes whose labels and scopes are all the same."""
    mlp = MLP(2, [2, 1], hidden="tanh", seed=1)
    inputs = [Value(1.0, label), Value(2.0, label)]
    error = (mlp(inputs) - 1.0) ** 2
    for node in [*mlp.parameters(), *inputs, error]:
        node.label = node.scope = label
    error.backward()
    svg = draw_network(mlp, error).svg
    return tree(ElementTree.fromstring(svg.encode()), merged=True)


@pytest.mark.parametrize("engine", LAYOUTS)
def test_no_label_or_scope_adds_an_element_to_the_picture_of_a_network(
    engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    if engine == "builtin":
        monkeypatch.setenv("PATH", str(tmp_path))
    plain = network("harmless")
    assert all(network(label) == plain for label in HOSTILE.values())
