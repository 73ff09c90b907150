"""Search for modes of the posterior where the guide never draws, of which importance weights know nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import VirgilError
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.density.posterior import Density
from virgil.infer.density.posterior_of import density_of
from virgil.infer.trust.draws import Draws

__all__ = ["Mode", "Search", "search"]

_STARTS = 64  # climbs from draws of the prior
_FARTHEST = 100.0  # standard deviations of the guide, that a climb begins from it where there is no prior to draw from
_OWN = 8  # climbs from draws of the guide
_STEPS = 300
_LONGEST = 200  # entries of a vector, above which curvatures are not computed
_EXAMINED = 8  # modes, the highest first
_SHARE = 0.01  # of the posterior: what is not worth a word
_NEWTON = 8
_FLAT = 1e-2  # nats that Newton's step would gain at most at what counts as a mode


@dataclass(frozen=True, eq=False)
class Mode:
    """A mode of the posterior that the guide misses.

    Attributes:
        values: where it is, by site.
        share: about which part of the posterior it holds, by Laplace's approximation.
    """

    values: dict[str, Tensor]
    share: float


@dataclass(frozen=True, eq=False)
class Search:
    """The result of a search for other modes.

    Attributes:
        missed: modes that the guide misses, the largest first.
        reason: why there was no search; ``None`` if there was one.
    """

    missed: tuple[Mode, ...]
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class _Peak:
    """A mode and its Gaussian: log of its mass, nats, and the precision matrix."""

    place: Tensor
    log_mass: float
    precision: Tensor

    def holds(self, vectors: Tensor) -> Tensor:
        """A mask of the vectors within the ellipsoid that holds nearly all of the Gaussian."""
        difference, dim = vectors - self.place, len(self.place)
        return ((difference @ self.precision) * difference).sum(1) < dim + 4 * math.sqrt(2 * dim)


def search(joint: Joint, draws: Draws, evidence: float) -> Search:
    """Climb to modes from draws of the prior, and ask of each whether the guide's draws know it.

    A mode counts as missed if by Laplace's approximation *(Tierney and Kadane 1986)* it holds a hundredth of the
    posterior or more, and the guide has a tenth of that there or less. What no climb finds, or what has no mode, as the
    neck of a funnel, is not seen.

    Args:
        joint: model and guide.
        draws: of the guide.
        evidence: what the guide's own draws make of ``log p(x)``, nats.
    """
    try:
        density = density_of(joint)
    except (VirgilError, NotImplementedError, RuntimeError) as error:
        return Search((), str(error))
    if not density.joint.at_once or density.joint.chunk < _STARTS:
        return Search((), "model or guide cannot run with many draws in one execution")
    if density.dim > _LONGEST:
        return Search((), f"there are {density.dim} unconstrained entries; curvatures are computed up to {_LONGEST}")
    try:
        known = density.vectors(draws.values).double()
    except (VirgilError, NotImplementedError, KeyError) as error:
        return Search((), f"the guide's draws cannot be placed ({type(error).__name__})")
    starts = _starts(density, known)
    width = known.std(0)
    own = _peaks(density, _climb(density, known[:_OWN], width), width, [])
    others = _peaks(density, _climb(density, starts, _spread(starts)), width, own)
    return Search(_missed(density, own, others, known, evidence))


def _starts(density: Density, known: Tensor) -> Tensor:
    """Draws of the prior; where one is improper, draws around the guide's, at distances up to a hundred deviations."""
    try:
        drawn = density.prior(_STARTS).double()
        starts = drawn[drawn.isfinite().all(1)]
    except (VirgilError, NotImplementedError, KeyError):
        starts = known[:0]
    if len(starts):
        return starts
    distances = torch.logspace(0, math.log10(_FARTHEST), _STARTS, dtype=torch.float64, device=known.device)
    return known.mean(0) + distances.unsqueeze(1) * known.std(0) * torch.randn_like(known[:1].expand(_STARTS, -1))


def _missed(
    density: Density, own: list[_Peak], others: list[_Peak], known: Tensor, evidence: float
) -> tuple[Mode, ...]:
    """The other peaks that are large and that the guide does not know."""
    # the guide's own weights and Laplace's approximation are two estimates of one mass: the larger is believed
    seen = max(evidence, _log_sum([peak.log_mass for peak in own]))
    unseen = []
    for peak in others:
        share = math.exp(peak.log_mass - _log_sum([seen, peak.log_mass]))
        if share >= _SHARE and float(peak.holds(known).double().mean()) < share / 10:
            unseen.append(peak)
    total = _log_sum([seen, *(peak.log_mass for peak in unseen)])
    return tuple(
        Mode(
            {name: each[0] for name, each in density.values(peak.place.unsqueeze(0)).items()},
            math.exp(peak.log_mass - total),
        )
        for peak in sorted(unseen, key=lambda each: -each.log_mass)
    )


def _log_sum(logs: list[float]) -> float:
    return float(torch.tensor(logs, dtype=torch.float64).logsumexp(0))


def _spread(starts: Tensor) -> Tensor:
    """The median distance of each entry from its median."""
    return (starts - starts.median(0).values).abs().median(0).values.clamp_min(1e-6)


def _climb(density: Density, starts: Tensor, spread: Tensor) -> Tensor:
    """The ends of ascents by Adam with a rate that falls to zero, in units of a spread by entry."""
    place = starts.clone()
    first, second = torch.zeros_like(place), torch.zeros_like(place)
    for step in range(1, _STEPS + 1):
        slope = density.gradient(place)[1] * spread
        slope = torch.where(slope.isfinite(), slope, slope.new_zeros(()))
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        move = (first / (1 - 0.9**step)) / ((second / (1 - 0.99**step)).sqrt() + 1e-12)
        place = place + 0.1 * (1 - step / _STEPS) * spread * move
    return place


def _peaks(density: Density, ends: Tensor, width: Tensor, known: list[_Peak]) -> list[_Peak]:
    """The distinct modes among the ends of ascents, but for known ones, the highest first."""
    heights = density(ends)
    peaks: list[_Peak] = []
    tried = 0
    for row in heights.argsort(descending=True).tolist():
        end = ends[row : row + 1]
        if not math.isfinite(heights[row]) or any(bool(peak.holds(end)) for peak in [*known, *peaks]):
            continue
        peak = _polished(density, end, width)
        if peak is not None and not any(bool(other.holds(peak.place.unsqueeze(0))) for other in [*known, *peaks]):
            peaks.append(peak)
        tried += 1
        if tried == _EXAMINED:
            break
    return peaks


def _polished(density: Density, place: Tensor, width: Tensor) -> _Peak | None:
    """The mode at which Newton's steps from here arrive; ``None`` if they do not."""
    for _ in range(_NEWTON):
        height, slope = density.gradient(place)
        precision = _precision(density, place, width)
        factor, failed = torch.linalg.cholesky_ex(precision)
        if int(failed) or not bool(factor.isfinite().all()):
            return None
        step = torch.cholesky_solve(slope.T, factor).T
        if float((step * slope).sum()) / 2 < _FLAT:
            log_mass = float(height) + len(precision) / 2 * math.log(2 * math.pi) - float(factor.diagonal().log().sum())
            return _Peak(place[0], log_mass, precision)
        place = place + step
    return None


def _precision(density: Density, place: Tensor, width: Tensor) -> Tensor:
    """Minus the second derivatives of the log-density, from differences of gradients."""
    moves = torch.diag(1e-2 * width)
    above, below = density.gradient(place + moves)[1], density.gradient(place - moves)[1]
    rows = (below - above) / (2e-2 * width).unsqueeze(1)
    return (rows + rows.T) / 2
