"""Random angles of the von Mises distribution around zero, as one operator."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from virgil.ops.thread_generator import redirected

__all__ = ["von_mises_angles"]


def von_mises_angles(concentration: Tensor) -> Tensor:
    """One angle around zero for each concentration, radians in [-pi, pi).

    The draw is one operator, ``torch.ops.virgil.von_mises``: a graph holds the draw and not the number of rejections.
    Concentrations are in double precision; in single precision rejection would not end for small ones. The result has
    the shape of ``concentration``.
    """
    angles: Tensor = torch.ops.virgil.von_mises.default(concentration)
    return angles


def _draw(concentration: Tensor) -> Tensor:
    with redirected():
        angles: Tensor = td.VonMises(torch.zeros_like(concentration), concentration, validate_args=False).sample()
    return angles


_library = torch.library.Library("virgil", "FRAGMENT")
_library.define("von_mises(Tensor concentration) -> Tensor", tags=(torch.Tag.nondeterministic_seeded,))
_library.impl("von_mises", _draw, "CompositeExplicitAutograd")
torch.library.register_fake("virgil::von_mises", torch.empty_like, lib=_library)
