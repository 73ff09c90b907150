"""Many draws of a guide in one execution, with the log-density of each under model and guide."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.core.validation import unchecked
from virgil.engine.work import Work
from virgil.infer.density.execution import PARTICLES, Call, Pair, particle_plate, run_pair
from virgil.infer.density.factors import plate_weights
from virgil.infer.density.nesting import nesting
from virgil.infer.density.summed_out import model_costs, model_variables
from virgil.infer.density.vectorize import can_vectorize
from virgil.ops.factor import Factor
from virgil.ops.warning_filter import ignoring
from virgil.poutine.enumeration import Enumerate
from virgil.poutine.frame import Frame
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.plate import SubsampleIndices
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace

__all__ = ["Joint", "joint_of"]

_ELEMENTS = 2**27  # of results that one execution may compute, all operators together


class _Whole(Handler):
    """Lets a plate that would draw a mini-batch take all its slots."""

    def handle(self, site: Site, outer: Outer) -> Site:
        """Give the plate its indices."""
        fn = site.fn
        if site.kind == "plate" and site.value is None and isinstance(fn, SubsampleIndices):
            site = site.with_value(torch.arange(fn.size, device=fn.device))
        return outer(site)


@dataclass(frozen=True, eq=False)
class Joint:
    """A model and a guide, to be run with many draws at once.

    Attributes:
        call: both programs and their arguments.
        enumerates: whether marked variables of the model, which the guide does not state, are summed out.
        single: an execution with one draw.
        whole: whether plates that draw mini-batches are given all their slots.
        dim: left of all plates, for the draws where they run at once.
        at_once: whether they do; else an execution takes one.
        chunk: how many draws one execution takes.
        seconds: that an execution with one draw took.
    """

    call: Call
    enumerates: bool
    single: Pair
    whole: bool
    dim: int
    at_once: bool
    chunk: int
    seconds: float

    def on(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Joint:
        """The same with other arguments of the same shapes."""
        return replace(self, call=Call(self.call.model, self.call.guide, args, kwargs))

    def run(self, count: int, given: Trace | None = None) -> Pair:
        """An execution with so many draws; sites of the guide that are in ``given`` have their values from there."""
        call = self.call
        guide = call.guide if given is None else Replay(given)(call.guide)
        with self._drawing(count):
            if not self.enumerates:
                return run_pair(Call(call.model, guide, call.args, call.kwargs))
            # what the guide would enumerate is drawn, so that a draw is one value of all its variables
            drawn = trace(guide).get_trace(*call.args, **call.kwargs)
        return self.run_model(count, drawn)

    def whole_plates(self) -> AbstractContextManager[object]:
        """A block in which plates take all their slots, if they do here."""
        return _wholly(self.whole)

    def run_model(self, count: int, given: Trace | None = None) -> Pair:
        """An execution of the model alone, its latent sites at given values, or drawn from their own distributions."""
        values = Trace() if given is None else given
        with self._drawing(count):
            model = self.call.model if given is None else Replay(values)(self.call.model)
            if self.enumerates:
                model = Enumerate(self.dim - self.at_once, sums=True)(model)
            return Pair(values, trace(model).get_trace(*self.call.args, **self.call.kwargs))

    @contextmanager
    def _drawing(self, count: int) -> Iterator[None]:
        """A block in which an execution takes so many draws."""
        with unchecked(), self.whole_plates(), particle_plate(self.dim, count) if self.at_once else nullcontext():
            yield

    def log_guide(self, pair: Pair, count: int) -> dict[str, Tensor]:
        """Of each site of the guide, the log-density of each draw, nats, without scale. Shape: ``(count,)``."""
        result = {}
        for name, site in pair.guide.nodes.items():
            if site.kind == "sample":
                log_prob = site.unscaled_log_prob
                for mask in (site.mask, _latent_slots(pair, name)):
                    log_prob = log_prob if mask is None else counted(log_prob, mask)
                result[name] = self.per_draw(log_prob, site.frames, count)
        return result

    def log_model(self, pair: Pair, count: int) -> dict[str, Tensor]:
        """Of each site of the model, the log-density of each draw, nats, with scales. Shape: ``(count,)``.

        Sites from which variables are summed out have one sum, with the key ``""``.
        """
        sites = {name: site for name, site in pair.model.nodes.items() if site.kind == "sample"}
        variables = model_variables(pair) if self.enumerates else frozenset[str]()
        if not variables:
            return {name: self.per_draw(site.term, site.frames, count) for name, site in sites.items()}
        weights = {**plate_weights(pair), PARTICLES: 1.0}
        costs = model_costs(pair, variables, weights)
        return {"": torch.stack([_each(cost.factor, weights, count) for cost in costs]).sum(0)}

    @property
    def scale(self) -> float | None:
        """The ``poutine.scale`` that all sites of the guide share; ``None`` where they have several.

        An objective whose terms are all scaled alike has the optimum of the one without scale, so the model's densities
        are taken relative to it.
        """
        scales = [site.scale for site in self.single.guide.nodes.values() if site.kind == "sample"]
        if any(isinstance(scale, Tensor) for scale in scales) or len(set(scales)) > 1:
            return None
        return float(scales[0]) if scales else 1.0

    def log_weights(self, pair: Pair, count: int) -> Tensor:
        """``log p(x, z) - log q(z)`` of each draw, nats. Shape: ``(count,)``."""
        return self.log_p(pair, count) - self.log_q(pair, count)

    def log_p(self, pair: Pair, count: int) -> Tensor:
        """``log p(x, z)`` of each draw, relative to the scale, nats. Shape: ``(count,)``."""
        zero = torch.zeros(count, dtype=torch.float64)
        return sum(self.log_model(pair, count).values(), zero) / (self.scale or 1.0)

    def log_q(self, pair: Pair, count: int) -> Tensor:
        """``log q(z)`` of each draw, nats. Shape: ``(count,)``."""
        return sum(self.log_guide(pair, count).values(), torch.zeros(count, dtype=torch.float64))

    def per_draw(self, log_prob: Tensor, frames: tuple[Frame, ...], count: int) -> Tensor:
        """The weighted sum over all plates for each draw. Shape: ``(count,)``."""
        log_prob = log_prob.double()
        for frame in frames:
            log_prob = log_prob if frame.particle or frame.weight == 1.0 else log_prob * frame.weight
        if not self.at_once or log_prob.dim() < -self.dim:
            return log_prob.sum().expand(count)
        rows = log_prob.movedim(self.dim, 0)
        return rows.reshape(len(rows), -1).sum(1).expand(count)

    def values(self, pair: Pair, count: int) -> dict[str, Tensor]:
        """The latent values that the model has from the guide. Shape: ``(count, *shape of a single one)`` each."""
        return {
            name: site.value.detach().reshape(count, *self.single.model.nodes[name].value.shape)
            for name, site in pair.model.nodes.items()
            if site.is_latent and name in pair.guide
        }


def joint_of(call: Call, enumerates: bool, max_plate_nesting: int | None = None) -> Joint:
    """Find out how the programs run; for use without gradients and where no mark is left."""
    single = run_pair(call)  # first as they were fitted, since an automatic guide remembers the sizes of plates
    whole = None
    if any(frame.weight != 1.0 for site in _sites(single) for frame in site.frames):
        whole = _whole(call)
        single = single if whole is None else whole
    dims = max(nesting(single.guide), nesting(single.model), max_plate_nesting or 0)
    with _wholly(whole is not None), ignoring(UserWarning):  # it is no fault: the draws are then taken one by one
        at_once = can_vectorize(call, dims)
        begin = time.perf_counter()
        with unchecked(), Work() as work:
            run_pair(call)
        seconds = time.perf_counter() - begin
    chunk = max(1, _ELEMENTS // max(work.elements, 1)) if at_once else 1
    return Joint(call, enumerates, single, whole is not None, -dims - 1, at_once, chunk, seconds)


def _whole(call: Call) -> Pair | None:
    """An execution on all slots of plates that draw mini-batches; ``None`` where the arguments do not allow it."""
    try:
        with _Whole():
            pair = run_pair(call)
        for site in _sites(pair):
            site.unscaled_log_prob  # noqa: B018 - may raise as well
    except Exception:  # whatever a program raises whose arguments are a mini-batch themselves
        return None
    # one observation would pass for those of all slots
    observed = [site for site in _sites(pair) if site.observed and isinstance(site.value, Tensor)]
    return pair if all(site.value.shape == site.fn.batch_shape + site.fn.event_shape for site in observed) else None


def _wholly(whole: bool) -> AbstractContextManager[object]:
    return _Whole() if whole else nullcontext()


def _sites(pair: Pair) -> list[Site]:
    return [site for run in (pair.guide, pair.model) for site in run.nodes.values() if site.kind == "sample"]


def _latent_slots(pair: Pair, name: str) -> Tensor | None:
    counterpart = pair.model.nodes.get(name)
    return None if counterpart is None else counterpart.latent_slots


def _each(factor: Factor, weights: dict[str, float], count: int) -> Tensor:
    """The weighted sum over all plates but the draws. Shape: ``(count,)``."""
    logs = factor.logs.double()
    for dim in factor.dims:
        logs = logs * weights.get(dim, 1.0)
    if PARTICLES not in factor.dims:
        return logs.sum().expand(count)
    return logs.movedim(factor.dims.index(PARTICLES), 0).reshape(count, -1).sum(1)
