"""The version by which programs know the old package."""

from __future__ import annotations

import email.message
import importlib.metadata
from os import PathLike
from typing import Any

__all__ = ["Distribution", "OLD_NAME", "VERSION"]

OLD_NAME = "pyro-ppl"
VERSION = f"1.9.1+virgil.{importlib.metadata.version('virgil-ppl')}"


class Distribution(importlib.metadata.Distribution):
    """The old package as ``importlib.metadata`` shows it."""

    def read_text(self, filename: str) -> str | None:
        """The text of one of its files; it has its metadata alone."""
        if filename not in ("METADATA", "PKG-INFO"):
            return None
        message = email.message.Message()
        message["Metadata-Version"] = "2.1"
        message["Name"] = OLD_NAME
        message["Version"] = VERSION
        message["Summary"] = "Virgil under the old name."
        return str(message)

    def locate_file(self, path: str | PathLike[str]) -> Any:
        """There are no files.

        Raises:
            FileNotFoundError: always.
        """
        raise FileNotFoundError(path)
