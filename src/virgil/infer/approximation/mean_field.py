"""The best mean-field normal on fixed draws, found by second derivatives: DADVI."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import NonFiniteError
from virgil.infer.approximation.modes import climbs, curvatures
from virgil.infer.approximation.surface import Curved, Surface
from virgil.ops.newton_cg import Point, newton_cg

__all__ = ["FixedDraws", "MeanField", "fit_mean_field", "fixed_noise", "improved"]

_ROUNDS, _STEPS = 8, 50  # of Newton's method, each in units of the scales that the one before ended with
_WIDE = -1.0  # log-scale of a start that is no mode


@dataclass(frozen=True, eq=False)
class MeanField:
    """Independent normals in unconstrained space.

    Attributes:
        loc: Shape: ``(dim,)``.
        scale: Shape: ``(dim,)``.
        losses: minus the evidence lower bound on the fixed draws, by step of Newton's method, nats.
        norms: of its gradient, in units of the scales.
        arrived: whether another step would have changed nothing.
    """

    loc: Tensor
    scale: Tensor
    losses: tuple[float, ...] = ()
    norms: tuple[float, ...] = ()
    arrived: bool = False


@dataclass(frozen=True, eq=False)
class FixedDraws:
    r"""Minus the evidence lower bound of a mean-field normal, its expectation a mean over draws that never change.

    .. math:: -\frac{1}{S} \sum_s \log p\bigl(\mu + \sigma z_s\bigr) - \sum_i \log \sigma_i - \frac{d}{2} \log(2 \pi e)

    A place has the coordinates :math:`(\mu - c) / u` and :math:`\log(\sigma / u)`.

    Attributes:
        surface: the posterior.
        noise: the draws :math:`z`. Shape: ``(num, dim)``.
        centre: :math:`c`. Shape: ``(dim,)``.
        unit: :math:`u`. Shape: ``(dim,)``.
    """

    surface: Surface
    noise: Tensor
    centre: Tensor
    unit: Tensor

    def parameters(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """Location and scale at a place."""
        moved, log_scale = place.chunk(2)
        return self.centre + self.unit * moved, self.unit * log_scale.exp()

    def at(self, place: Tensor) -> tuple[Curved, Point]:
        """The surface at the draws, and the bound about a place. Shape of ``place``: ``(2 dim,)``."""
        loc, scale = self.parameters(place)
        at, noise, unit = self.surface.at(loc + scale * self.noise), self.noise, self.unit
        weighted = (at.slopes * noise).mean(0) * scale
        entropy = float(scale.log().sum()) + len(loc) / 2 * math.log(2 * math.pi * math.e)

        def product(direction: Tensor) -> Tensor:
            moved, stretched = direction.chunk(2)
            curved = at.product(unit * moved + scale * stretched * noise)
            return torch.cat([-unit * curved.mean(0), -(curved * noise).mean(0) * scale - weighted * stretched])

        gradient = torch.cat([-unit * at.slopes.mean(0), -weighted - 1])
        return at, Point(-float(at.values.mean()) - entropy, gradient, product)

    def about(self, place: Tensor) -> Point:
        """The bound about a place. Shape: ``(2 dim,)``."""
        return self.at(place)[1]


def fixed_noise(num: int, dim: int, seed: int) -> Tensor:
    """Standard normal draws in antithetic pairs, the second half minus the first, with exact second moments.

    Where there are as many pairs as entries the draws have the covariance of the standard normal exactly; elsewhere
    each entry has its variance. Shape: ``(num, dim)``, float64.
    """
    generator, pairs = torch.Generator().manual_seed(seed), num // 2
    half = torch.randn(pairs, dim, generator=generator, dtype=torch.float64)
    if dim <= pairs:
        half = torch.linalg.qr(half).Q * math.sqrt(pairs)
    else:
        half = half / half.square().mean(0).sqrt()
    return torch.cat([half, -half])


def fit_mean_field(surface: Surface, noise: Tensor, starts: Tensor) -> MeanField:
    """The mean-field normal that minimises the bound on fixed draws *(Giordano, Ingram and Broderick 2024)*.

    It begins at the modes that climbs from ``starts`` find, with scales from the curvature there, or at a start itself,
    whichever has the lowest bound; Newton's method does the rest.

    Args:
        surface: the posterior.
        noise: of :func:`fixed_noise`.
        starts: Shape: ``(num, dim)``.

    Raises:
        NonFiniteError: the log-density is not finite about any of the starts.
    """
    tops = [path.places[-1] for path in climbs(surface, starts, max_steps=500)]
    begun = [(top, curvatures(surface, top).rsqrt()) for top in tops]
    begun += [(start, torch.full_like(start, math.exp(_WIDE))) for start in starts[:1]]
    origin = torch.zeros(2 * surface.dim, dtype=torch.float64)
    losses = [FixedDraws(surface, noise, *each).at(origin)[1].value for each in begun]
    if not any(map(math.isfinite, losses)):
        raise NonFiniteError(
            "The log-density is not finite about any of the places where the fit begins. Begin elsewhere by "
            "init_loc_fn=, such as init_to_value(values={...}), or look at the priors and data."
        )
    loc, scale = begun[min(range(len(begun)), key=lambda each: losses[each])]
    return improved(surface, noise, MeanField(loc, scale))


def improved(surface: Surface, noise: Tensor, begun: MeanField) -> MeanField:
    """The minimum of the bound to which Newton's method leads from a mean-field normal."""
    found = begun
    for _ in range(_ROUNDS):
        bound = FixedDraws(surface, noise, found.loc, found.scale)
        start = torch.zeros(2 * surface.dim, dtype=torch.float64)
        minimum = newton_cg(bound.about, start, max_steps=_STEPS)
        loc, scale = bound.parameters(minimum.place)
        losses = found.losses + minimum.values[bool(found.losses) :]
        norms = found.norms + minimum.norms[bool(found.norms) :]
        found = MeanField(loc, scale, losses, norms, minimum.arrived)
        if minimum.arrived:
            break
    return found
