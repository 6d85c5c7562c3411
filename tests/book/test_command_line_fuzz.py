"""The command line on files of every kind: it does its work, or refuses them cleanly.

Cleanly is exit status 2, one line on stderr, and not a byte written or changed.
"""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micrograd_bp.book.command_line import main

pytestmark = pytest.mark.slow

POINTS = b"a,b,y\n1,2,3\n4,5,7\n0.5,-1,2\n"
WEIGHTS = b'{"activation": "tanh", "w1": [[0.1, 0.2, 0.3]], "w2": [[0.5, -0.25]]}'
KEPT = b'{"kept": "from an earlier run"}'


@pytest.fixture(autouse=True, scope="module")
def without_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No dot on the PATH: pictures by the built-in layout, which starts no process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
        yield


def contents(folder: str) -> dict[str, bytes | None]:
    paths = sorted(Path(folder).rglob("*"))
    return {str(path): None if path.is_dir() else path.read_bytes() for path in paths}


Outcome = tuple[int, bytes, bytes]


def in_process(arguments: list[str]) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    return status, *[stream.getvalue().encode("utf-8", "replace") for stream in (out, err)]


def as_program(arguments: list[str]) -> Outcome:
    command = [sys.executable, "-m", "micrograd_bp", *arguments]
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=Path(__file__).parents[2], timeout=300
    )
    return done.returncode, done.stdout, done.stderr


def done_or_refused(
    points: bytes,
    weights: bytes | None = None,
    *options: str,
    run: Callable[[list[str]], Outcome] = in_process,
) -> bool:
    """Whether the command line takes the files; if not, then cleanly."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--targets", "y", *options]
        for name, content in (("data.csv", points), ("weights.json", weights), ("w", KEPT)):
            if content is not None:
                Path(folder, name).write_bytes(content)
        arguments += ["--data", f"{folder}/data.csv", "--save-weights", f"{folder}/w"]
        arguments += ["--output", f"{folder}/pictures"]
        if weights is not None:
            arguments += ["--weights", f"{folder}/weights.json"]
        before = contents(folder)
        status, out, err = run(arguments)
        after = contents(folder)
        if status == 0:
            assert out
            assert b"Traceback" not in err
            assert json.loads(after[f"{folder}/w"] or b"") != json.loads(KEPT)
            svgs = [path for path in after if path.endswith(".svg")]
            assert len(svgs) + err.count(b" drawn: ") == 2
            return True
        assert (status, out) == (2, b"")
        line = err.splitlines(keepends=True)[-1].rsplit(b"\r")[-1]
        assert line.startswith(b"micrograd-bp: error: ")
        assert line.endswith(b"\n")
        assert err == line or "--train" in options  # after its progress bar
        assert after == before
        return False


# --- pieces of files ------------------------------------------------------------------------------

FRAGMENTS = [
    *[b"", b" ", b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\n\n", b'"', b'""', b"'", b"\\", b"#"],
    *[b"\0", b"\x1a", b"\x7f", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe"],
    *[s.encode() for s in ("\u2028", "\x85", "é", "δ", "👩‍🔬", "\u202e", "\u0661", "\u22121")],
    *[b"nan", b"NaN", b"inf", b"-Infinity", b"1e999", b"-1e308", b"1e-400", b"0x10", b"1_0", b"1."],
    *[b"9" * 400, b"9" * 5000, b"0." + b"3" * 5000, b"x" * 140_000, b"," * 1000, b"\n" * 1000],
    *[b"y", b"a", b"true", b"null", b"[", b"]", b"{", b"}", b":", b"[" * 3000, b'{"a":' * 3000],
    *[b'"\\ud800"', b'"w1"', b'"activation"', b"\\u0000", b"/*", b"1 2"],
]

edits = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 8), st.sampled_from(FRAGMENTS) | st.binary()),
    max_size=4,
)


def edited(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, fragment in changes:
        start %= len(content) + 1
        content = content[:start] + fragment + content[start + length :]
    return content


# --- CSV files ------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.sampled_from([b"", b"a,y\n", POINTS, b"\xef\xbb\xbfa,y\r\n"]))
def test_random_bytes_are_no_data(content: bytes, beginning: bytes) -> None:
    done_or_refused(beginning + content)


@given(edits, st.sampled_from([(), ("--standardize",), ("--json",), ("--inputs", "a")]))
@example([(0, 0, b"\xef\xbb\xbf")], ())
@example([(0, 0, b"\xef\xbb\xbf\xef\xbb\xbf")], ())
@example([(6, 0, b'"')], ())
@example([(6, 1, b"x" * 140_000)], ())
@example([(0, 1, b'"x\ny\r\n' + b"z" * 10_000 + b'"')], ())
def test_data_files_that_were_edited_badly_are_used_or_refused(
    changes: list[tuple[int, int, bytes]], options: tuple[str, ...]
) -> None:
    done_or_refused(edited(POINTS, changes), None, *options)


def test_data_files_cut_off_anywhere_are_used_or_refused() -> None:
    for content in (POINTS, b"\xef\xbb\xbf" + POINTS.replace(b"\n", b"\r\n"), b'"a","y"\n"1","2"'):
        taken = [done_or_refused(content[:end]) for end in range(len(content) + 1)]
        assert taken[-1]
        assert not any(taken[: content.index(b"\n") + 1])


@given(
    st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["{}", '"{}"', " {}", '"{} "', "{}\t"]),
    st.booleans(),
)
def test_data_in_every_dialect_of_csv_are_used(
    column: list[float], line_end: str, mark: str, cell: str, blank_lines: bool
) -> None:
    rows = [["y", "a"], *[[repr(x), repr(x / 2.0)] for x in column]]
    lines = [",".join(map(cell.format, row)) for row in rows]
    text = mark + (line_end * (1 + blank_lines)).join(lines) + line_end * blank_lines
    assert done_or_refused(text.encode())


finite = st.floats(allow_nan=False, allow_infinity=False)
large = st.builds(lambda x, n: x * 10.0**n, st.floats(-10.0, 10.0), st.integers(-300, 307))
numbers = st.one_of(finite, large, st.sampled_from([0.0, 1.0, -1.0, 1e154, -1.7e308, 5e-324]))


@given(
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=4),
    st.sampled_from([(), ("--standardize",), ("--train", "2", "--rate", "0.1")]),
    st.sampled_from([(), ("--json",), ("--activation", "tanh")]),
)
@example([(1.0, 2.0, 1e154), (4.0, 5.0, 7.0)], (), ("--json",))
@example([(1.7e308, 2.0, 3.0), (4.0, 5.0, 7.0)], ("--train", "2", "--rate", "0.1"), ("--json",))
def test_data_of_every_size_are_used_or_refused(
    rows: list[tuple[float, ...]], how: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    lines = ["a,b,y", *[",".join(map(repr, row)) for row in rows]]
    done_or_refused("\n".join(lines).encode(), None, *how, *shown)


# --- JSON files -----------------------------------------------------------------------------------

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(),
    st.sampled_from([10**400, -(10**4000), float("nan"), float("inf"), "tanh", "0.5", "\ud800"]),
    st.text(max_size=5),
)
KEYS = ["activation", "standardized", "w1", "w2"]
keys = st.sampled_from(KEYS) | st.text(max_size=3)
structures = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200), st.sampled_from([b"", WEIGHTS, b"\xef\xbb\xbf", b"\xff\xfe{\0"]))
def test_random_bytes_are_no_weights(content: bytes, beginning: bytes) -> None:
    done_or_refused(POINTS, beginning + content)


@given(edits)
@example([(0, 0, b"\xef\xbb\xbf")])
@example([(0, 0, b"[" * 100_000)])
@example([(15, 6, b"[" * 900 + b"]" * 900)])
def test_files_of_weights_that_were_edited_badly_are_used_or_refused(
    changes: list[tuple[int, int, bytes]],
) -> None:
    done_or_refused(POINTS, edited(WEIGHTS, changes))


def test_files_of_weights_cut_off_anywhere_are_refused() -> None:
    assert done_or_refused(POINTS, WEIGHTS)
    assert not any(done_or_refused(POINTS, WEIGHTS[:end]) for end in range(len(WEIGHTS)))


@given(structures)
def test_json_of_any_structure_is_refused(structure: Any) -> None:
    assert not done_or_refused(POINTS, json.dumps(structure).encode())


@given(structures, st.sampled_from([*KEYS, "w1 row", "w2 row", "w1 number"]))
def test_weights_with_any_part_replaced_are_used_or_refused(part: Any, where: str) -> None:
    weights = json.loads(WEIGHTS)
    key, _, level = where.partition(" ")
    if level == "row":
        weights[key][0] = part
    elif level == "number":
        weights[key][0][1] = part
    else:
        weights[key] = part
    done_or_refused(POINTS, json.dumps(weights).encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_weights_in_every_unicode_encoding_are_used(encoding: str, line_end: str) -> None:
    text = WEIGHTS.decode().replace(" ", line_end)
    assert done_or_refused(POINTS, text.encode(encoding))


@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=3), st.data())
@example([[1.0, 1.0, 1.0]], [1e154, 1.0])
def test_weights_of_every_size_are_used_or_refused(w1: list[list[float]], data: Any) -> None:
    width = 1 + len(w1)
    rows = st.lists(numbers, min_size=width, max_size=width)
    w2 = data if isinstance(data, list) else data.draw(rows)
    weights = {"activation": "tanh", "w1": w1, "w2": [w2]}
    done_or_refused(POINTS, json.dumps(weights).encode(), "--json")


def test_a_key_that_comes_twice_is_used_or_refused() -> None:
    for again in (b'"w1": [[1, 2, 3]]', b'"w2": 0', b'"activation": null', b'"w3": 1'):
        done_or_refused(POINTS, WEIGHTS[:-1] + b", " + again + b"}")
        done_or_refused(POINTS, b"{" + again + b", " + WEIGHTS[1:])


# --- as a program ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "weights", "taken"),
    [
        (POINTS, WEIGHTS, True),
        (b"\xef\xbb\xbf" + POINTS.replace(b"\n", b"\r\n"), None, True),
        ("\u202e\x1b[2J👩‍🔬,y\n1,2".encode(), None, True),
        (bytes(range(256)), None, False),
        (POINTS + b"1,\0,3", None, False),
        ("a,\u2028\x1b[2J\U0001f600,\udcff,y\n1,x".encode("utf-8", "replace"), None, False),
        (b"a,y\n1," + b"9" * 200_000, None, False),
        (POINTS, b"[" * 200_000, False),
        (POINTS, WEIGHTS.replace(b'"tanh"', b'"\\ud800\\u001b"'), False),
        (POINTS, WEIGHTS.replace(b"0.5", b"NaN"), False),
    ],
    ids=range(10),
)
def test_the_program_itself_ends_cleanly_too(
    points: bytes, weights: bytes | None, taken: bool
) -> None:
    assert done_or_refused(points, weights, run=as_program) is taken
