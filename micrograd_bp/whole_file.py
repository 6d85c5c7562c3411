"""Files that are there whole or not at all: written beside, then put in place at once."""

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from typing import Any

from .numeric import show


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, or replace it: whatever happens, it holds the old bytes or the new.

    Args:
        path: the file; of a link, the one that it leads to is replaced. What is no file, such as
            /dev/stdout or a pipe, is written to.
        content: its bytes.

    Raises:
        OSError: it cannot be written; the error names path, and a folder that is not there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/a", b"1")
    ...     Path(folder, "a").read_bytes()
    b'1'
    """
    name = _checked_name(path)
    target = Path(name).resolve()
    if target.parent.exists() and not target.parent.is_dir():
        raise NotADirectoryError(
            f"{name} cannot be written: {target.parent} is a file, and no folder"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"{name} cannot be written: there is no folder {target.parent},"
            " which has to be made first"
        )
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        target.write_bytes(content)
        return
    partial = target.with_name(f".{os.getpid()}.{get_ident()}.partial")
    try:
        partial.write_bytes(content)
        if mode is not None:
            partial.chmod(stat.S_IMODE(mode))
        os.replace(partial, target)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError) and error.errno is not None:  # without the partial name
            raise OSError(error.errno, error.strerror, name) from None
        raise


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file.

    Raises:
        OSError: it cannot be read; the error names path.

    >>> read_whole("")
    Traceback (most recent call last):
    FileNotFoundError: the name of the file is empty
    """
    return Path(_checked_name(path)).read_bytes()


def parse_json(content: str | bytes) -> Any:
    """What a file of JSON holds, in which no key of an object comes twice.

    Raises:
        ValueError: it is no JSON, or a key comes twice.
        RecursionError: it is nested too deeply.

    >>> parse_json('{"w": 1, "w": 2}')
    Traceback (most recent call last):
    ValueError: a key is there twice: 'w'
    """
    return json.loads(content, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"a key is there twice: {twice!r}")
    return found


def file_name(path: str | bytes | os.PathLike[Any]) -> str:
    """The name of a file as a string, also of bytes.

    Raises:
        TypeError: it is no name of a file.

    >>> file_name(b"model.safetensors"), file_name(Path("a", "b")) == os.path.join("a", "b")
    ('model.safetensors', True)
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(
            f"the name of a file is a string or a Path, such as 'folder/name', not {show(path)}"
        )
    return os.fsdecode(path)


def _checked_name(path: str | os.PathLike[str]) -> str:
    name = file_name(path)
    if not name:
        raise FileNotFoundError("the name of the file is empty")
    if "\0" in name:
        raise ValueError(f"{name!r} is the name of no file: there is a zero byte in it")
    if os.path.isdir(name):
        raise IsADirectoryError(f"{name!r} is a folder: give the name of a file in it")
    return name
