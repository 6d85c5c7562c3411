"""Programs in files of their own: JSON, and nothing that runs when it is read.

    {"format": "micrograd_bp program", "version": 2, "sha256": "...", "program": {...}}

The program is that of plain.py, its floats written so that every bit comes back, and inf and nan
as strings; the checksum is that of its JSON without spaces, the keys sorted, in ASCII.
"""

import hashlib
import json
import os
from math import isfinite
from typing import Any

from ..numeric import show
from ..whole_file import parse_json, read_whole, write_whole
from .plain import Parts, from_plain, to_plain

FORMAT, VERSION = "micrograd_bp program", 2


def save(parts: Parts, path: str | os.PathLike[str]) -> None:
    """Write the parts of a program; the file is replaced at once.

    Raises:
        OSError: the file cannot be written.
    """
    text = _json(_without_inf(to_plain(parts)))
    head = _json({"format": FORMAT, "version": VERSION, "sha256": _checksum(text)})
    write_whole(path, f'{head[:-1]},"program":{text}}}\n'.encode("ascii"))


def load(path: str | os.PathLike[str]) -> Parts:
    """Read the parts of a program.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, or damaged, or of a later version.
    """
    content = read_whole(path)
    try:
        return _parts(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no file of a program, or not all of one: {error}") from error


def _parts(content: bytes) -> Parts:
    found = parse_json(content.decode("utf-8"))
    if type(found) is not dict or found.get("format") != FORMAT:
        raise ValueError(f"it does not begin with the format {FORMAT!r}")
    if found.get("version") not in (1, VERSION):  # of version 1 all instructions had one result
        raise ValueError(f"it has the version {show(found.get('version'))}, and this is {VERSION}")
    program = found.get("program")
    if found.get("sha256") != _checksum(_json(program)):
        raise ValueError("its checksum is that of another program")
    return from_plain(program)


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _without_inf(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_inf(each) for key, each in data.items()}
    if isinstance(data, tuple):
        return [*map(_without_inf, data)]
    return str(data) if isinstance(data, float) and not isfinite(data) else data
