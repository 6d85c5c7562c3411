"""Files that are there whole or not at all: written beside, then put in place at once."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, or replace it: whatever happens, it holds the old bytes or the new.

    Args:
        path: the file; of a link, the one that it leads to is replaced.
        content: its bytes.

    Raises:
        OSError: it cannot be written; the error names path, and a folder that is not there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/a", b"1")
    ...     Path(folder, "a").read_bytes()
    b'1'
    """
    target = Path(path).resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"{os.fspath(path)} cannot be written: there is no folder {target.parent},"
            " which has to be made first"
        )
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, target)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError) and error.errno is not None:  # without the partial name
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None
        raise
