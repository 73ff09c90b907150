"""Many draws of a guide in one execution, with the log-density of each under model and guide."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from virgil.distributions.core.validation import unchecked
from virgil.engine.work import Work
from virgil.infer.density.draws_check import most_at_once
from virgil.infer.density.execution import Call, Pair, run_pair
from virgil.infer.density.log_density import log_guide, log_model, total
from virgil.infer.density.nesting import nesting
from virgil.infer.density.vectorize import Vectorization, WholePlates, draws_in_one_execution
from virgil.poutine.enumeration import Enumerate
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace

__all__ = ["Joint", "joint_of"]


@dataclass(frozen=True, eq=False)
class Joint:
    """A model and a guide, to be run with many draws at once.

    Attributes:
        call: both programs and their arguments.
        enumerates: whether marked variables of the model, which the guide does not state, are summed out.
        single: an execution with one draw.
        draws: how executions hold draws.
        seconds: that an execution with one draw took.
    """

    call: Call
    enumerates: bool
    single: Pair
    draws: Vectorization
    seconds: float

    @property
    def at_once(self) -> bool:
        """True where an execution has many draws; else it has one."""
        return self.draws.at_once

    @property
    def chunk(self) -> int:
        """How many draws an execution takes."""
        return self.draws.chunk

    @property
    def dim(self) -> int:
        """The batch dim of the draws, left of all plates."""
        return self.draws.dim

    @property
    def whole(self) -> bool:
        """True where plates that draw mini-batches are given all their slots."""
        return self.draws.whole

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

    def on(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Joint:
        """The same with other arguments of the same shapes."""
        return replace(self, call=Call(self.call.model, self.call.guide, args, kwargs))

    def one_by_one(self) -> Joint:
        """The same with one draw an execution."""
        return replace(self, draws=self.draws.one_by_one())

    # Executions

    def run(self, count: int, given: Trace | None = None) -> Pair:
        """An execution with so many draws; sites of the guide that are in ``given`` have their values from there."""
        call = self.call
        guide = call.guide if given is None else Replay(given)(call.guide)

        def execute() -> Pair:
            if not self.enumerates:
                return run_pair(Call(call.model, guide, call.args, call.kwargs))
            # what the guide would enumerate is drawn, so that a draw is one value of all its variables
            drawn = trace(guide).get_trace(*call.args, **call.kwargs)
            return Pair(drawn, self._model(Replay(drawn)))

        with unchecked():
            return self.draws.run(execute, count)

    def run_model(self, count: int, handler: Handler | None = None) -> Trace:
        """An execution of the model alone with so many draws; latent sites without a value by ``handler`` are drawn."""
        with unchecked():
            return self.draws.run(lambda: Pair(Trace(), self._model(handler)), count).model

    def _model(self, handler: Handler | None) -> Trace:
        model = self.call.model if handler is None else handler(self.call.model)
        if self.enumerates:
            model = Enumerate(self.dim - self.at_once, sums=True)(model)
        return trace(model).get_trace(*self.call.args, **self.call.kwargs)

    def whole_plates(self) -> AbstractContextManager[object]:
        """A block in which plates take all their slots, if they do here."""
        return _whole_plates(self.whole)

    def values(self, pair: Pair, count: int) -> dict[str, Tensor]:
        """The latent values that the model has from the guide. Shape: ``(count, *shape of a single one)`` each."""
        return {
            name: site.value.detach().reshape(count, *self.single.model.nodes[name].value.shape)
            for name, site in pair.model.nodes.items()
            if site.is_latent and name in pair.guide
        }

    # Log-densities of an execution

    def log_guide(self, pair: Pair, count: int) -> dict[str, Tensor]:
        """Of each site of the guide, the log-density of each draw, nats, without scale. Shape: ``(count,)``."""
        return log_guide(pair, self.draws, count)

    def log_model(self, pair: Pair, count: int) -> dict[str, Tensor]:
        """Of each site of the model, the log-density of each draw, nats, with scales. Shape: ``(count,)``.

        Sites from which variables are summed out have one sum, with the key ``""``.
        """
        return log_model(pair, self.draws, count)

    def log_p(self, pair: Pair, count: int) -> Tensor:
        """``log p(x, z)`` of each draw, relative to the scale, nats, float64. Shape: ``(count,)``."""
        return total(self.log_model(pair, count), count) / (self.scale or 1.0)

    def log_q(self, pair: Pair, count: int) -> Tensor:
        """``log q(z)`` of each draw, nats, float64. Shape: ``(count,)``."""
        return total(self.log_guide(pair, count), count)

    def log_weights(self, pair: Pair, count: int) -> Tensor:
        """``log p(x, z) - log q(z)`` of each draw, nats, float64. Shape: ``(count,)``."""
        return self.log_p(pair, count) - self.log_q(pair, count)


def joint_of(
    call: Call,
    enumerates: bool,
    max_plate_nesting: int | None = None,
    start: AbstractContextManager[object] | None = None,
) -> Joint:
    """Run the programs to find out how they run; for use without gradients and where no mark is left.

    Args:
        call: model and guide.
        enumerates: whether marked variables of the model, which the guide does not state, are summed out.
        max_plate_nesting: how many dims from the right belong to plates, at least.
        start: a handler that gives values to latent sites in the executions that are made here.
    """
    with start or nullcontext():
        single = run_pair(call)  # first as they were fitted, since an automatic guide remembers the sizes of plates
        whole = None
        if any(frame.weight != 1.0 for site in _sites(single) for frame in site.frames):
            whole = _whole(call)
            single = single if whole is None else whole
        dims = max(nesting(single.guide), nesting(single.model), max_plate_nesting or 0)
        with _whole_plates(whole is not None):
            tried = Vectorization(-dims - 1, True, whole=whole is not None)
            draws, _ = most_at_once(lambda _: call, tried, lambda site: site.kind == "deterministic")
            begin = time.perf_counter()
            with unchecked(), Work() as work:
                run_pair(call)
            seconds = time.perf_counter() - begin
    draws = replace(draws, chunk=draws_in_one_execution(work.elements) if draws.at_once else 1)
    return Joint(call, enumerates, single, draws, seconds)


def _whole_plates(whole: bool) -> AbstractContextManager[object]:
    return WholePlates() if whole else nullcontext()


def _whole(call: Call) -> Pair | None:
    """An execution on all slots of plates that draw mini-batches; ``None`` where the arguments do not allow it."""
    try:
        with WholePlates():
            pair = run_pair(call)
        for site in _sites(pair):
            site.unscaled_log_prob  # noqa: B018 - may raise as well
    except Exception:  # whatever a program raises whose arguments are a mini-batch themselves
        return None
    # one observation would pass for those of all slots
    observed = [site for site in _sites(pair) if site.observed and isinstance(site.value, Tensor)]
    return pair if all(site.value.shape == site.fn.batch_shape + site.fn.event_shape for site in observed) else None


def _sites(pair: Pair) -> list[Site]:
    return [site for run in (pair.guide, pair.model) for site in run.nodes.values() if site.kind == "sample"]
