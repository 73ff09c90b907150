"""A run: which engine takes its steps, and what it gives."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from virgil.engine.choice import check_engine, default_engine, pays
from virgil.errors import ArgumentError, CaptureError, NonFiniteError
from virgil.infer.dry_run import unmarked
from virgil.infer.fit import Fit
from virgil.infer.interrupt import graceful_interrupt
from virgil.infer.progress import progress_bar
from virgil.infer.record import Record
from virgil.infer.run.checkpoint import Checkpoint
from virgil.infer.run.loop import Between, Callback, Stepper, drive
from virgil.infer.run.source import Batch, Source
from virgil.infer.run.steppers import CompiledStepper, EagerStepper, Noise
from virgil.infer.run.stop import Stop
from virgil.infer.step.compiled import CompiledSteps
from virgil.infer.step.state import finding
from virgil.optim import LRScheduler, zero_grads
from virgil.optim.given import Steps
from virgil.params import get_param_store

__all__ = ["Options", "Run", "Steppable", "Work"]

_REPLAYS = 20
_UNKNOWN_LENGTH = 1000  # steps of a run whose data does not say how many batches it has


class Steppable(Protocol):
    """What a run asks of an SVI."""

    scheduler: LRScheduler | None
    loss_and_grads: Any
    optim: Steps
    work: Work | None  # of one step, once one has been seen

    @property
    def compiles(self) -> bool:
        """Whether steps are to be compiled, however few they are."""
        ...

    def differentiable_loss(self, *args: Any, **kwargs: Any) -> Tensor:
        """The loss."""
        ...

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


@dataclass(frozen=True)
class Options:
    """What a user asks of a run besides its steps; see ``SVI.run``."""

    engine: str = "auto"
    progress: bool = True
    callback: Callback | None = None
    callback_every: int = 1
    stop: Stop | None = None
    checkpoint: str | PathLike[str] | None = None
    every: float = 60.0

    def __post_init__(self) -> None:
        check_engine(self.engine)
        if self.callback_every < 1:
            raise ArgumentError(f"run() got callback_every={self.callback_every!r}; it takes 1 or more.")


class Run:
    """One call of ``SVI.run``."""

    def __init__(self, svi: Steppable, source: Source, options: Options) -> None:
        self._svi = svi
        self._source = source
        self._options = options
        self._engine = options.engine
        self._seed: int | None = None
        self._begun = 0  # steps before the compiled engine's own first
        self._record = Record()
        self._eager = EagerStepper(self._step, svi.advance_schedule, self._record)
        self._present: Stepper = self._eager
        self._modules: list[nn.Module] = []
        self._checkpoint: Checkpoint | None = None
        if options.checkpoint is not None:
            self._checkpoint = Checkpoint(options.checkpoint, options.every, svi.optim)

    def take(self) -> Fit:
        """Take all steps."""
        begin = time.perf_counter()
        total, options = self._source.total, self._options
        if self._checkpoint is not None and self._checkpoint.exists:
            self._resume(self._checkpoint)
        with graceful_interrupt() as interrupt, progress_bar(total, options.progress) as report:
            save = None if self._checkpoint is None else self._save
            between = Between(interrupt, report, options.callback, options.callback_every, options.stop, save)
            why = self._first_step(between)
            self._present = self._stepper(self._engine) or self._eager
            try:
                if why is None:
                    why = drive(self._present, self._source, self._record, between, total)
            finally:
                self._present.finish()
            if save is not None:
                save(True)
        return Fit(
            losses=self._record.losses(),
            gradient_norms=self._record.gradient_norms(),
            params=_constrained(self._record.names),
            wall_time=time.perf_counter() - begin,
            interrupted=interrupt.requested,
            engine=self._present.name,
            engine_reason=self._present.reason,
            stopped=why,
        )

    def _first_step(self, between: Between) -> str | None:
        """Take one eagerly where "auto" must see what it does, or where a checkpoint must know the networks."""
        undecided = self._stepper(self._engine) is None
        if self._source.total == 0 or self._record.num_steps or not (undecided or self._checkpoint):
            return None
        with Work() as work, finding() as found:
            why = drive(self._eager, self._source, self._record, replace(between, save=None), 1)
        self._svi.work, self._modules, self._begun = work, found.modules, 1
        return why

    # Checkpoints

    def _buffers(self) -> list[Tensor]:
        buffers = {id(each): each for module in self._modules for each in module.buffers(recurse=False)}
        return list(buffers.values())

    def _save(self, must: bool) -> None:
        if self._checkpoint is None or not (must or self._checkpoint.is_due()):
            return
        self._present.finish()
        about = {"name": self._present.name, "seed": self._seed, "begun": self._begun}
        self._checkpoint.write(self._record, self._source, self._buffers(), about)

    def _resume(self, checkpoint: Checkpoint) -> None:
        def buffers() -> list[Tensor]:
            batch = self._source.take(1)[0]
            with unmarked(), finding() as found, torch.no_grad():
                self._svi.differentiable_loss(*batch.args, **batch.kwargs)
            self._modules = found.modules
            return self._buffers()

        about = checkpoint.read(self._record, self._source, buffers)
        self._engine, self._seed, self._begun = about["name"], about["seed"], about["begun"]

    # Engines

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
        if name == "eager" or not (
            self._svi.compiles or pays(self._source.total or 1000, work.operators, work.elements)
        ):
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
        if self._seed is None:
            self._seed = int(torch.randint(2**62, ()))
        noise = Noise(self._seed, self._record.num_steps - self._begun)
        steps = self._svi.compiled(engine)
        stepper = CompiledStepper(steps, self._eager, self._record, self._svi.scheduler, self._blame, noise)
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
