"""The posterior's density over real vectors: every latent variable of the model, unconstrained, laid end to end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Size, Tensor

from virgil.errors import VirgilError
from virgil.infer.density.bijection import Bijection, find_bijection
from virgil.infer.density.draws_at_once import Joint
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Density", "density_of"]


@dataclass(frozen=True)
class _Part:
    """The entries of one site. Shape of its unconstrained value in one execution: ``shape``."""

    site: Site
    bijection: Bijection
    shape: Size


@dataclass(frozen=True, eq=False)
class Density:
    """The log of ``p(x, z)`` times the volume change of the bijections, as a function of unconstrained vectors.

    Attributes:
        dim: the length of a vector.
        names: the site of each entry.
    """

    joint: Joint
    parts: tuple[_Part, ...]

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return sum(part.shape.numel() for part in self.parts)

    def vectors(self, values: dict[str, Tensor]) -> Tensor:
        """Values by site as vectors. Shapes: ``(num, *shape of the site)`` to ``(num, dim)``."""
        rows = [part.bijection.inverse(values[part.site.name]) for part in self.parts]
        return torch.cat([row.reshape(len(row), -1).double() for row in rows], 1)

    def values(self, vectors: Tensor) -> dict[str, Tensor]:
        """Vectors as values by site. Shapes: ``(num, dim)`` to ``(num, *shape of the site)``."""
        shapes = {part.site.name: part.site.value.shape for part in self.parts}
        return {
            part.site.name: part.bijection(row).reshape(len(vectors), *shapes[part.site.name])
            for part, row in self._rows(vectors)
        }

    def prior(self, count: int) -> Tensor:
        """Draws of the model's own distributions. Shape: ``(count, dim)``."""
        pair = self.joint.run_model(count)
        return self.vectors(
            {
                part.site.name: pair.model.nodes[part.site.name].value.reshape(count, *part.site.value.shape)
                for part in self.parts
            }
        )

    def __call__(self, vectors: Tensor) -> Tensor:
        """The log-density, nats, differentiable. Shapes: ``(num, dim)`` to ``(num,)``."""
        given, volume = Trace(), torch.zeros(len(vectors), dtype=torch.float64)
        for part, row in self._rows(vectors):
            value = part.bijection(row)
            change = part.bijection.log_abs_det_jacobian(row, value)
            if isinstance(change, Tensor):
                volume = volume + change.double().reshape(len(vectors), -1).sum(1)
            given.nodes[part.site.name] = part.site.replace(value=value)
        pair = self.joint.run_model(len(vectors), given)
        terms = self.joint.log_model(pair, len(vectors)).values()
        return sum(terms, torch.zeros(())) / (self.joint.scale or 1.0) + volume

    def gradient(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The log-density and its gradient. Shapes: ``(num,)`` and ``(num, dim)``."""
        with torch.enable_grad():
            given = vectors.detach().requires_grad_()
            value = self(given)
            slope = torch.autograd.grad(value.sum(), given)[0]
        return value.detach(), slope

    def _rows(self, vectors: Tensor) -> list[tuple[_Part, Tensor]]:
        """Of each site the unconstrained values, with draws at the dim of the joint."""
        rows = []
        for part, row in zip(self.parts, vectors.split([each.shape.numel() for each in self.parts], 1), strict=True):
            batch = len(part.shape) - part.bijection.unconstrained_event_dim
            lead = (1,) * (-self.joint.dim - 1 - batch)
            rows.append((part, row.reshape(len(row), *lead, *part.shape).to(part.site.value.dtype)))
        return rows


def density_of(joint: Joint) -> Density | str:
    """The density, or why there is none."""
    parts = []
    for name, site in joint.single.model.nodes.items():
        if not site.is_latent or (joint.enumerates and name not in joint.single.guide):
            continue
        try:
            bijection = find_bijection(name, site.fn)
            shape = bijection.inverse(site.value).shape
        except (VirgilError, NotImplementedError, RuntimeError) as error:
            return f"site {name!r} is discrete, or has a support without a known bijection ({type(error).__name__})"
        parts.append(_Part(site, bijection, shape))
    if not parts:
        return "the model has no latent variable"
    return Density(joint, tuple(parts))
