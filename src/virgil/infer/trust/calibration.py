"""Calibration of a whole fit by simulation: does a guide fitted to data of the model cover the truth as it should?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import ArgumentError, NonFiniteError, shown
from virgil.infer.run.feed import Feed
from virgil.infer.run.initial_values import Beginning
from virgil.infer.run.origin import Origin
from virgil.infer.run.source import Batch
from virgil.infer.trust.draws import joint, take
from virgil.infer.trust.simulation import check_simulable, simulated

__all__ = ["Calibration", "SiteCalibration", "calibrate"]

LEVEL = 0.01  # of a false alarm of any site
_DRAWS = 500


@dataclass(frozen=True)
class SiteCalibration:
    """How the truth lies among the draws of guides fitted to simulated data.

    Attributes:
        name: the site's.
        mean: the mean of ``P(z < truth)`` at the coordinate where it is furthest from 1/2; below it the guide is too
            high.
        spread: the variance of ``P(z < truth)`` there, times 12: above 1 the guide is too narrow.
        bias_p: the p-value of symmetry about 1/2, corrected for the number of coordinates.
        uniform_p: the p-value of uniformity, likewise.
    """

    name: str
    mean: float
    spread: float
    bias_p: float
    uniform_p: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """The result of calibration by simulation *(Yao, Vehtari, Simpson and Gelman 2018, section 3.2)*.

    Attributes:
        num: how many data sets were simulated and fitted.
        failed: how many of the fits ended in NaN or infinity; they are left out.
        sites: by latent site.
        probabilities: ``P(z < truth)`` by site. Shape: ``(num - failed, *shape of the site)``.
    """

    num: int
    failed: int
    sites: tuple[SiteCalibration, ...]
    probabilities: dict[str, Tensor]

    @property
    def biased(self) -> tuple[str, ...]:
        """Sites whose means are off; in one of a hundred calibrated fits some site is named."""
        return tuple(site.name for site in self.sites if site.bias_p < LEVEL / len(self.sites))

    @property
    def misfitting(self) -> tuple[str, ...]:
        """Sites whose marginals are off in any way, likewise."""
        return tuple(site.name for site in self.sites if site.uniform_p < LEVEL / len(self.sites))


def calibrate(origin: Origin, engine: str, num: int, steps: int) -> Calibration:
    r"""Simulate latent variables and data from the model, fit anew, and see where the truth lies; many times.

    For each data set the parameters begin anew, as with ``run(restarts=...)``, and ``steps`` steps are taken at the
    first learning rate. If the guide's marginal of :math:`z` is right, :math:`P_q(z < z_\mathrm{true})` is uniform; if
    it is symmetric about the posterior mean, so are these numbers about 1/2.

    For use inside ``origin.present()``.

    Raises:
        ArgumentError: the number is out of range, or the model's data cannot be simulated.
    """
    if not isinstance(num, int) or num < 20:
        raise ArgumentError(f"check() got calibration={shown(num)}; it takes a number of simulations, 20 or more.")
    with torch.no_grad():
        at = joint(origin)
    check_simulable(at, origin)
    beginning = Beginning(origin.problem, origin.batch)
    end, groups = beginning.state(), getattr(origin.problem.optim.torch_optimizer, "param_groups", [])
    rates = [group["lr"] for group in groups]
    fitted = _Fitting(origin, engine, steps, beginning)
    rows: list[dict[str, Tensor]] = []
    try:
        for _ in range(num):
            truth, batch = simulated(origin, at)
            try:
                fitted.to(batch)
            except NonFiniteError:
                continue
            rows.append(_ranks(origin, batch, truth))
    finally:
        beginning.go_to(end)
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
    if len(rows) < 20:
        raise ArgumentError(
            f"check() got calibration={num}, but only {len(rows)} of the fits to simulated data stayed finite. Data "
            "drawn from the prior are too wild for these settings: narrow the prior, or lower the learning rate."
        )
    probabilities = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    sites = tuple(_site(name, each) for name, each in probabilities.items())
    return Calibration(num, num - len(rows), sites, probabilities)


class _Fitting:
    """Fits anew to other data."""

    def __init__(self, origin: Origin, engine: str, steps: int, beginning: Beginning) -> None:
        self._origin = origin
        self._engine = engine
        self._steps = steps
        self._beginning = beginning

    def to(self, batch: Batch) -> None:
        """Begin anew and take the steps."""
        session, optim = self._origin.session, self._origin.problem.optim
        self._beginning.anew()
        for group in getattr(optim.torch_optimizer, "param_groups", []):
            group["lr"] = group.get("initial_lr", group["lr"])
        session.eager.take(batch.args, batch.kwargs)  # the optimiser's memory begins with it
        step = None
        if self._engine != "eager":
            compiled = session.compiled(self._engine)
            step = compiled.find(batch.args, batch.kwargs) or compiled.make(batch.args, batch.kwargs)
        if step is None:
            for _ in range(self._steps - 1):
                session.eager.take(batch.args, batch.kwargs)
            return
        step.load()
        inputs = Feed(session.compiled(self._engine), scheduled=False).inputs(step, [batch], self._steps - 1)
        course = step.advance(inputs, int(torch.randint(2**62, ())), 0, self._steps - 1)
        if not course.is_finite:
            raise NonFiniteError("A fit to simulated data became NaN or infinite.")
        step.write()


def _ranks(origin: Origin, batch: Batch, truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``P(z < truth)`` with ties and the finite number of draws spread evenly, by site."""
    with torch.no_grad():
        drawn = take(origin, joint(origin, (batch.args, batch.kwargs)), _DRAWS)
    result = {}
    for name, values in drawn.values.items():
        below = (values < truth[name]).double().sum(0) + 0.5 * (values == truth[name]).double().sum(0)
        result[name] = (below + torch.rand(below.shape, dtype=torch.float64)) / (len(values) + 1)
    return result


def _site(name: str, probabilities: Tensor) -> SiteCalibration:
    flat = probabilities.reshape(len(probabilities), -1)
    count = flat.shape[1]
    biases = [_symmetry(each) for each in flat.T]
    worst = min(range(count), key=lambda place: biases[place])
    column = flat[:, worst]
    return SiteCalibration(
        name,
        float(column.mean()),
        12 * float(column.var()),
        min(1.0, count * biases[worst]),
        min(1.0, count * min(_uniformity(each) for each in flat.T)),
    )


def _symmetry(numbers: Tensor) -> float:
    """The p-value of symmetry about 1/2: under it signs are fair coins, so that the sum over its norm is normal."""
    centred = numbers - 0.5
    ratio = abs(float(centred.sum())) / math.sqrt(float((centred**2).sum()))
    return math.erfc(ratio / math.sqrt(2))


def _uniformity(numbers: Tensor) -> float:
    """The p-value of uniformity by Kolmogorov's statistic, with Stephens' correction for their number."""
    count, ordered = len(numbers), numbers.sort().values
    steps = torch.arange(count + 1, dtype=torch.float64) / count
    distance = max(float((steps[1:] - ordered).max()), float((ordered - steps[:-1]).max()))
    scaled = (math.sqrt(count) + 0.12 + 0.11 / math.sqrt(count)) * distance
    series = (2 * (-1) ** (k - 1) * math.exp(-2 * k**2 * scaled**2) for k in range(1, 101))
    return min(1.0, max(0.0, sum(series))) if scaled > 0.2 else 1.0
