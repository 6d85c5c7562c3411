"""A real browser, which opens pages from files and has nothing to complain of."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from micrograd_bp.explorer import Explorer

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; tests that ask for it are skipped without it, or without playwright.

    As long as it is there, playwright has an event loop running in this thread, where no other
    can run: so it goes with the tests of its file.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium on the PATH")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens an explorer from a file; at the end there was no error and no request."""
    troubles: list[str] = []
    contexts = []

    def open_page(explorer: Explorer | str, **options: Any) -> Any:
        options.setdefault("viewport", {"width": 1200, "height": 800})
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(**options)
        context.set_default_timeout(300_000)  # of a machine that is busy
        contexts.append(context)
        page = context.new_page()
        path = tmp_path / f"{len(contexts)}.html"
        html = explorer if isinstance(explorer, str) else explorer.html
        path.write_text(html, encoding="utf-8")
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append("a dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                request.url == path.as_uri()
                or request.url == "about:srcdoc"
                or troubles.append(f"request: {request.url}")
            ),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
