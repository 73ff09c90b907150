"""A method of planar maps that radial ones have in old programs.

Importing this file gives ``ConditionedRadial`` the method ``u_hat`` of ``Planar``: ``u`` moved along ``w`` until its
product with ``w`` is above -1. A radial map itself has no use for it.
"""

from __future__ import annotations

from virgil.distributions.transforms import Planar
from virgil.distributions.transforms.flows.radial import ConditionedRadial

__all__ = ["ConditionedRadial"]

ConditionedRadial.u_hat = Planar.u_hat  # type: ignore[attr-defined]
