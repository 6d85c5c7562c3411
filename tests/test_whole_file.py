"""Files are there whole or not at all, and a name that is odd is told in words."""

import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from own_process import run_python

from micrograd_bp import Neuron, Program, Value, draw, explore
from micrograd_bp.book.input_error import InputError
from micrograd_bp.book.weights_file import read_weights, save_weights
from micrograd_bp.whole_file import write_whole

x = Value(2.0, label="x")
y = x * x
WEIGHTS = [[[0.1, 1.0]], [[0.2, 3.0]]]
WRITE: dict[str, Callable[[Any], Any]] = {
    "weights": Neuron(2, seed=0).save,
    "program": Program(y, [x]).save,
    "picture.svg": draw(y).save,
    "picture.dot": draw(y).save,
    "page.html": explore(y).save,
    "weights.json": lambda path: save_weights(path, "tanh", WEIGHTS),
}
READ: dict[str, Callable[[Any], Any]] = {"weights": Neuron(2).load, "program": Program.load}
BOTH = [*WRITE.items(), *READ.items()]
unix = pytest.mark.skipif(sys.platform == "win32", reason="as Unix has it")


@pytest.mark.parametrize(("name", "do"), BOTH)
def test_a_folder_is_no_file(tmp_path: Path, name: str, do: Callable[[Any], Any]) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=f"{name}' is a folder: give the name of a file"):
        do(tmp_path / name)


@pytest.mark.parametrize(("name", "do"), BOTH)
def test_an_empty_name_is_no_name(name: str, do: Callable[[Any], Any]) -> None:
    with pytest.raises((FileNotFoundError, ValueError), match=r"name of the file is|save ''"):
        do("")


@pytest.mark.parametrize(("name", "write"), WRITE.items())
def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, name: str, write: Callable[[Any], Any]
) -> None:
    path = tmp_path / "no" / name
    if name == "weights.json":  # it makes the folder
        write(path)
        assert path.is_file()
    else:
        with pytest.raises(FileNotFoundError, match=r"no folder .*no, which has to be made first"):
            write(path)


@pytest.mark.parametrize(("name", "do"), BOTH)
@pytest.mark.parametrize("odd", [None, 3, 2.5, ["a"]])
def test_what_is_no_name_is_shown(odd: Any, name: str, do: Callable[[Any], Any]) -> None:
    words = re.escape(f"name of a file is a string or a Path, such as 'folder/name', not {odd!r} (")
    with pytest.raises(TypeError, match=words):
        do(odd)


@pytest.mark.parametrize(("name", "do"), BOTH)
def test_a_zero_byte_is_in_no_name(name: str, do: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match="zero byte"):
        do("a\0b" + Path(name).suffix)


@pytest.mark.parametrize(("name", "write"), WRITE.items())
def test_a_name_may_be_bytes(tmp_path: Path, name: str, write: Callable[[Any], Any]) -> None:
    path = os.fsencode(tmp_path / name)
    write(path)
    assert (tmp_path / name).is_file()
    READ.get(name, str)(path)


FULL = """
import resource, signal, sys
sys.path[:0] = {path!r}
import test_whole_file as here
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))  # as on a disk with 50 bytes left
for name, write in here.WRITE.items():
    try:
        write(name)
    except OSError as error:
        assert error.filename == name and "partial" not in str(error), error
    else:
        raise AssertionError(name)
"""


@unix
def test_on_a_full_disk_the_old_files_stay_whole(tmp_path: Path) -> None:
    for name in WRITE:
        (tmp_path / name).write_bytes(b"old" * 100)
    script = FULL.format(path=[str(Path(__file__).parent), *sys.path])
    run_python("-c", script, cwd=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(
        WRITE, b"old" * 100
    )


def test_threads_that_write_one_file_leave_it_whole(tmp_path: Path) -> None:
    contents = [bytes([letter]) * 300_000 for letter in b"abcd"]
    path = tmp_path / "file"

    def write(content: bytes) -> None:
        for _ in range(20):
            write_whole(path, content)

    threads = [threading.Thread(target=write, args=(content,), daemon=True) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert not path.exists() or path.read_bytes() in contents
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


@unix
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()), daemon=True)
    reader.start()
    write_whole(path, b"through")
    reader.join(timeout=300)
    assert (read, path.is_fifo()) == ([b"through"], True)


@unix
def test_a_file_keeps_who_may_read_it_and_takes_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / ("long" * 63)
    path.touch(0o600)
    write_whole(path, b"secret")
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o600, b"secret")


def test_a_key_that_comes_twice_in_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text('{"activation": "tanh", "w1": [[0, 1]], "w2": [[0, 1]], "w1": [[0, 2]]}')
    with pytest.raises(InputError, match=r"w.json: this is no JSON: a key is there twice: 'w1'"):
        read_weights(str(path))
