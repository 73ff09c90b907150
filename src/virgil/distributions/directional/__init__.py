"""Families of angles and directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.distributions.core.lazy_names import one_a_file

__all__ = [
    "VonMises",
]

if TYPE_CHECKING:
    from virgil.distributions.directional.von_mises import VonMises
else:
    __getattr__, __dir__ = one_a_file(__name__, __all__)
