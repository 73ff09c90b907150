"""The logger of old programs, which they print by: ``pyro.log.info(...)``."""

from __future__ import annotations

import logging

__all__ = ["log"]


def _made() -> logging.Logger:
    logger = logging.getLogger("pyro")
    if not logger.handlers:  # a program may have its own
        handler = logging.StreamHandler()
        handler.setLevel(logging.INFO)
        handler.setFormatter(logging.Formatter("%(levelname)s \t %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


log = _made()
"""Messages from INFO up, on standard error."""
