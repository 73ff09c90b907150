"""Random angles of the von Mises distribution around zero, as one operator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.ops.mapping import own
from virgil.ops.thread_generator import redirected

__all__ = ["von_mises_angles"]


def von_mises_angles(concentration: Tensor) -> Tensor:
    """One angle around zero for each concentration, radians in [-pi, pi).

    The draw is one operator, ``torch.ops.virgil.von_mises``: a graph holds the draw and not the number of rejections.
    Concentrations are in double precision; in single precision rejection would not end for small ones. The result has
    the shape of ``concentration``.
    """
    angles: Tensor = torch.ops.virgil.von_mises.default(own(concentration))
    return angles


def _draw(concentration: Tensor) -> Tensor:
    with redirected():
        angles: Tensor = td.VonMises(torch.zeros_like(concentration), concentration, validate_args=False).sample()
    return angles


def _draw_mapped(info: Any, in_dims: tuple[int | None], concentration: Tensor) -> tuple[Tensor, int | None]:
    return torch.ops.virgil.von_mises.default(concentration), in_dims[0]


_library = torch.library.Library("virgil", "FRAGMENT")
_library.define("von_mises(Tensor concentration) -> Tensor", tags=(torch.Tag.nondeterministic_seeded,))
_library.impl("von_mises", _draw, "CompositeExplicitAutograd")
torch.library.register_fake("virgil::von_mises", torch.empty_like, lib=_library)
torch.library.register_vmap("virgil::von_mises", _draw_mapped, lib=_library)
