"""The one door to scikit-learn."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from virgil.errors import ArgumentError

__all__ = ["scikit_learn"]


def scikit_learn(room: str) -> Any:
    """The module ``sklearn.<room>``.

    Raises:
        ArgumentError: scikit-learn is not installed.
    """
    try:
        return import_module(f"sklearn.{room}")
    except ImportError:
        raise ArgumentError('This program needs scikit-learn: pip install "virgil-ppl[data]".') from None
