"""The site is made by one command, whole: all public names, formulas set, no link into nowhere."""

import doctest
import re
from pathlib import Path
from typing import Any

import pytest
from own_process import run_python

import micrograd_bp
from micrograd_bp import testing, training

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def make_site() -> Any:
    return pytest.importorskip("make_site", reason="needs the extra docs")


@pytest.fixture(scope="module")
def site(make_site: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    made = run_python(str(ROOT / ".ci/make_site.py"), str(folder))
    assert made.stdout.endswith(" pages, 0 faults\n")
    assert not made.stderr
    return folder


def page(site: Path, address: str) -> str:
    return (site / address).read_text(encoding="utf-8")


def test_readme_cheat_sheet_and_course_are_its_first_pages(make_site: Any, site: Path) -> None:
    links = make_site.Page(page(site, "index.html")).links
    course = [f"notebooks/{path.stem}.html" for path in sorted(ROOT.glob("notebooks/*.ipynb"))]
    assert len(course) == 6
    reference = "reference/micrograd_bp.html"
    assert links[:9] == ["index.html", "notebooks/cheat_sheet.html", *course, reference]
    assert "see, trust and use" in page(site, "index.html")


@pytest.mark.parametrize(
    ("address", "module"),
    [
        ("micrograd_bp.html", micrograd_bp),
        ("micrograd_bp/testing.html", testing),
        ("micrograd_bp/training.html", training),
    ],
)
def test_each_public_name_is_in_the_reference(
    make_site: Any, site: Path, address: str, module: object
) -> None:
    assert set(module.__all__) <= make_site.Page(page(site, f"reference/{address}")).anchors


def test_methods_are_in_the_reference_though_their_bases_are_not(
    make_site: Any, site: Path
) -> None:
    anchors = make_site.Page(page(site, "reference/micrograd_bp.html")).anchors
    assert {"Value.backward", "Value.tanh", "MLP.save"} <= anchors


def test_formulas_are_set(site: Path) -> None:
    for path in ROOT.glob("notebooks/*.ipynb"):
        text = page(site, f"notebooks/{path.stem}.html")
        code = r"<pre.*?</pre>|<code.*?</code>|<annotation.*?</annotation>"
        prose = re.sub(code, "", text, flags=re.DOTALL)
        assert "<math" in prose
        assert not re.search(r"\$|\\[a-z]+", prose)
    assert "δ<sub>j</sub>" in page(site, "reference/micrograd_bp/book/backprop.html")


def test_what_leads_nowhere_or_is_loaded_from_elsewhere_is_found(
    make_site: Any, tmp_path: Path
) -> None:
    (tmp_path / "b.html").write_text("<h1 id='there'>b</h1> <a href='https://example.org'>fine</a>")
    (tmp_path / "a.html").write_text(
        "<a href='b.html#there'>right</a> <a href='b.html#gone'>anchor</a> <a href='#gone'>here</a>"
        "<a href='c.html'>page</a> <img src='picture.png'> <script src='https://cdn.org/x.js'></script>"
    )
    assert sorted(make_site.faults(tmp_path)) == [
        "a.html: loads https://cdn.org/x.js",
        "a.html: no anchor for #gone",
        "a.html: no anchor for b.html#gone",
        "a.html: no file for c.html",
        "a.html: no file for picture.png",
    ]


def test_the_examples_of_the_script_run(make_site: Any) -> None:
    assert doctest.testmod(make_site).failed == 0
