"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import os
import platform
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["check_writable", "replace_file"]


def replace_file(filename: str | os.PathLike[str], content: bytes) -> None:
    """Write a file beside this one and give it the name when it is on the disk.

    What earlier writers of this file left beside it when they were killed is removed.

    Raises:
        OSError: it cannot be written; a file of this name is as it was.
    """
    path = Path(filename)
    _remove_remains(path)
    beside = path.with_name(f"{_prefix(path)}{os.getpid()}.{uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def check_writable(filename: str | os.PathLike[str]) -> None:
    """Check that a file can be written under this name. A file of this name is not touched.

    Raises:
        OSError: it cannot.
    """
    path = Path(filename)
    if path.is_dir():
        raise IsADirectoryError(f"{os.fspath(filename)!r} is a folder")
    _remove_remains(path)
    beside = path.with_name(f"{_prefix(path)}{os.getpid()}.{uuid4().hex}")
    try:
        beside.touch(exist_ok=False)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    """The beginning of the names of files beside this one; it says which machine's, as folders may be shared."""
    return f".{path.name}.{zlib.crc32(platform.node().encode()):08x}."


def _remove_remains(path: Path) -> None:
    """Remove the files of writers that no longer run."""
    for each in _remains(path):
        with suppress(OSError):
            each.unlink(missing_ok=True)


def _remains(path: Path) -> Iterator[Path]:
    if os.name != "posix":  # elsewhere asking for a process may end it
        return
    form = re.compile(re.escape(_prefix(path)) + r"([1-9]\d*)\.[0-9a-f]{32}")
    with suppress(OSError):
        for entry in os.scandir(path.parent):
            found = form.fullmatch(entry.name)
            if found is not None and not _runs(int(found[1])):
                yield path.with_name(entry.name)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is another user's
        return True
    return True
