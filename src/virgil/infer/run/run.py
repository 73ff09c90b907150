"""A run: which engine takes its steps, and what it gives."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from virgil.engine.choice import check_engine, default_engine, pays
from virgil.errors import CaptureError, NonFiniteError
from virgil.infer.fit import Fit
from virgil.infer.interrupt import graceful_interrupt
from virgil.infer.progress import progress_bar
from virgil.infer.record import Record
from virgil.infer.run.loop import Callback, Stepper, drive
from virgil.infer.run.source import Batch, Source
from virgil.infer.run.steppers import CompiledStepper, EagerStepper
from virgil.infer.run.stop import Stop
from virgil.infer.step.compiled import CompiledSteps
from virgil.optim import LRScheduler, zero_grads
from virgil.params import get_param_store

__all__ = ["Run", "Steppable", "Work"]

_REPLAYS = 3


class Steppable(Protocol):
    """What a run asks of an SVI."""

    scheduler: LRScheduler | None
    loss_and_grads: Any
    work: Work | None  # of one step, once one has been seen

    def take_step(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: Record | None = None) -> float:
        """Take a step eagerly."""
        ...

    def gradients(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, dict[str, Tensor]]:
        """Loss and gradients, without a step."""
        ...

    def advance_schedule(self, loss: float) -> None:
        """Advance the learning rates."""
        ...

    def compiled(self, engine: str) -> CompiledSteps:
        """The captured steps."""
        ...


class Run:
    """One call of ``SVI.run``."""

    def __init__(
        self,
        svi: Steppable,
        source: Source,
        engine: str,
        callback: Callback | None = None,
        callback_every: int = 1,
        stop: Stop | None = None,
    ) -> None:
        check_engine(engine)
        self._svi = svi
        self._source = source
        self._engine = engine
        self._between = {"callback": callback, "callback_every": callback_every, "stop": stop}
        self._record = Record()
        self._eager = EagerStepper(self._step, svi.advance_schedule, self._record)

    def take(self, progress: bool) -> Fit:
        """Take all steps."""
        begin = time.perf_counter()
        total = self._source.total
        with graceful_interrupt() as interrupt, progress_bar(total, progress) as report:
            between: Any = {**self._between, "interrupt": interrupt, "report": report}
            stepper, why = self._stepper(self._engine), None
            if stepper is None:  # "auto" has not seen a step of this program yet
                with Work() as work:
                    why = drive(self._eager, self._source, self._record, limit=1, **between)
                self._svi.work = work
                stepper = self._stepper(self._engine) or self._eager
            if why is None and not interrupt.requested:
                left = None if total is None else total - self._record.num_steps
                try:
                    why = drive(stepper, self._source, self._record, limit=left, **between)
                finally:
                    stepper.finish()
            return Fit(
                losses=self._record.losses(),
                gradient_norms=self._record.gradient_norms(),
                params=_constrained(self._record.names),
                wall_time=time.perf_counter() - begin,
                interrupted=interrupt.requested,
                engine=stepper.name,
                engine_reason=stepper.reason,
                stopped=why,
            )

    def _stepper(self, engine: str) -> Stepper | None:
        """What takes the steps; ``None`` where "auto" must see a step first."""
        if engine == "eager":
            return self._eager
        if engine != "auto":
            return self._compiled(engine, "asked for", falls_back=False)
        obstacle = self._obstacle()
        if obstacle is not None:
            self._eager.reason = obstacle
            return self._eager
        work = self._svi.work
        if self._source.total == 0:
            return self._eager
        if work is None:
            return None
        name, why = default_engine(work.device)
        if name == "eager" or not pays(self._source.total or 1000, work.operators, work.elements):
            self._eager.reason = why if name == "eager" else "the run is too short to repay compiling"
            return self._eager
        return self._compiled(name, why, falls_back=True)

    def _obstacle(self) -> str | None:
        """Why no compiled engine can take these steps, whatever the program."""
        if self._svi.loss_and_grads is not None:
            return "loss_and_grads= computes gradients itself"
        if self._svi.scheduler is not None and self._svi.scheduler.takes_metric:
            return "the scheduler needs the loss of every step"
        return None

    def _compiled(self, engine: str, reason: str, falls_back: bool) -> CompiledStepper:
        obstacle = self._obstacle()
        if obstacle is not None:
            raise CaptureError(f"engine={engine!r} cannot take these steps: {obstacle}. Use engine='eager'.")
        seed = int(torch.randint(2**62, ()))
        steps = self._svi.compiled(engine)
        stepper = CompiledStepper(steps, self._eager, self._record, self._svi.scheduler, self._blame, seed)
        stepper.falls_back, stepper.reason = falls_back, reason
        return stepper

    def _step(self, batch: Batch, record: Record) -> float:
        return self._svi.take_step(batch.args, batch.kwargs, record)

    def _blame(self, batch: Batch, message: str) -> None:
        """Run the step eagerly with every check, on other noise, to find what is not finite; a few times."""
        for _ in range(_REPLAYS):
            try:
                _, leaves = self._svi.gradients(batch.args, batch.kwargs)
            except NonFiniteError as error:
                raise NonFiniteError(f"{message} {error}", site=error.site) from error
            zero_grads(leaves.values())


class Work(TorchDispatchMode):
    """Counts what a step does: operators, elements of their results; and where."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = 0
        self.elements = 0
        self.device = torch.device("cpu")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count, and call."""
        result = func(*args, **(kwargs or {}))
        self.operators += 1
        if isinstance(result, Tensor):
            self.elements += result.numel()
            if result.device.type != "cpu":
                self.device = result.device
        return result


def _constrained(names: Iterable[str]) -> dict[str, Tensor]:
    """The present values of parameters, detached from everything that changes."""
    store = get_param_store()
    return {name: store[name].detach().clone() for name in names if name in store}
