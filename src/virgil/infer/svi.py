"""``SVI``: fit a guide to a model by stochastic variational inference."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from os import PathLike, fspath
from typing import Any

import torch
from torch import Tensor

from virgil import settings
from virgil.engine.choice import default_engine
from virgil.engine.work import Work
from virgil.errors import ArgumentError, CaptureError, VirgilError
from virgil.infer.blame.sources import Executions
from virgil.infer.density.execution import Program
from virgil.infer.density.read_parameters import ReadParameters
from virgil.infer.elbo.objective import ELBO
from virgil.infer.fit import Fit
from virgil.infer.run.loop import Callback
from virgil.infer.run.restarts import Restarts
from virgil.infer.run.run import Options, Run
from virgil.infer.run.source import NOTHING, source_of
from virgil.infer.run.stop import Stop
from virgil.infer.step.compiled import CompiledSteps, one_step
from virgil.infer.step.eager import EagerSteps
from virgil.infer.step.record import Record
from virgil.optim import LRScheduler, Optimizer, as_optimizer, zero_grads
from virgil.params import ParamStore, get_param_store
from virgil.poutine.tracing import trace

__all__ = ["SVI"]

Loss = ELBO | Callable[..., Tensor]


@contextmanager
def _no_gradients_after_an_error(leaves: dict[str, Tensor]) -> Iterator[None]:
    """An error, or Ctrl-C, on the way leaves no gradients that the next step would add to."""
    try:
        yield
    except BaseException:
        zero_grads(leaves.values())
        raise


class SVI:
    """Stochastic variational inference *(Hoffman, Blei, Wang and Paisley 2013; Kingma and Welling 2014)*.

    A step estimates the objective's gradient with respect to every parameter that model and guide read, and hands it
    to the optimiser.

    Args:
        model: the generative program.
        guide: the variational program, called with the same arguments.
        optim: one of ``virgil.optim``, or a ``torch.optim`` class, partial or instance. A scheduler of
            ``virgil.optim`` is advanced by :meth:`run` after every step, and by its own ``step()`` where the steps are
            taken one by one.
        loss: an objective such as ``Trace_ELBO()``, or a function ``(model, guide, *args) -> scalar tensor`` to be
            minimised.
        loss_and_grads: a function that computes the loss and adds gradients itself, instead of the objective's own.
        params: the store that holds the parameters. Default: the store in use.

    Raises:
        ArgumentError: an argument of another kind.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import SVI, Trace_ELBO
        >>> from virgil.infer.autoguide import AutoNormal
        >>> def model(data):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
        ...     with virgil.plate("data", len(data)):
        ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> svi = SVI(model, AutoNormal(model), virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
        >>> fit = svi.run(300, torch.tensor([1.0, 2.0, 3.0]))
        >>> fit.num_steps
        300
    """

    def __init__(
        self,
        model: Program,
        guide: Program,
        optim: Any,
        loss: Loss,
        loss_and_grads: Callable[..., Any] | None = None,
        *,
        params: ParamStore | None = None,
    ) -> None:
        if isinstance(loss, type):
            raise ArgumentError(
                f"SVI got loss={loss.__name__}, a class; it takes an instance. Write {loss.__name__}()."
            )
        if not isinstance(loss, ELBO) and not callable(loss):
            raise ArgumentError(f"SVI got loss={loss!r}; it takes an objective such as Trace_ELBO(), or a function.")
        if params is not None and not isinstance(params, ParamStore):
            raise ArgumentError(f"SVI got params={params!r}; it takes a ParamStore. An optimiser goes to optim=.")
        for role, program in (("model", model), ("guide", guide)):
            if not callable(program):
                raise ArgumentError(f"SVI got {role}={program!r}, which cannot be called. Pass the function itself.")
        self.model = model
        self.guide = guide
        self.optim = as_optimizer(optim)
        self.scheduler = optim if isinstance(optim, LRScheduler) else None
        self.objective = loss
        self.loss_and_grads = loss_and_grads
        self.params = params
        self._cannot_compile = False
        self.work: Work | None = None  # of one step, for "auto" to decide by
        self._compiled: dict[str, CompiledSteps] = {}
        self.eager = EagerSteps(self)

    # One step

    def step(self, *args: Any, **kwargs: Any) -> float:
        """Take one step on these arguments of model and guide; returns the loss before it, nats."""
        with self._store():
            if self.compiles and not self._cannot_compile:
                return self._compiled_step(args, kwargs)
            return self.take_step(args, kwargs)

    def _compiled_step(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
        if self.work is None:  # the first step, which is eager, shows on what device steps are
            with Work() as work:
                first = self.take_step(args, kwargs)
            self.work = work
            return first
        engine, why = default_engine(self.work.device)
        try:
            if engine == "eager":
                raise CaptureError(why)
            loss = one_step(self.compiled(engine), args, kwargs)
        except CaptureError as error:
            loss, self._cannot_compile = None, True
            warnings.warn(f"The steps are taken eagerly: {error}", UserWarning, stacklevel=3)
        if callable(loss):
            raise self.eager.explained(args, kwargs, loss)
        return self.take_step(args, kwargs) if loss is None else loss

    def take_step(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: Record | None = None) -> float:
        """Take a step in the store in use, eagerly, and record it; returns the loss before it, nats."""
        return self.eager.take(args, kwargs, record)

    def examined(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, Executions]:
        """The loss, unchecked where that can be, and the executions behind it, each with its role."""
        if isinstance(self.objective, ELBO):
            return self.objective.examined(self.model, self.guide, args, kwargs)
        guide, model = trace(self.guide), trace(self.model)
        with settings.context(validate=False):  # an objective inside it does not look at itself
            loss = self.objective(model, guide, *args, **kwargs)
        return loss, [("guide", guide.trace), ("model", model.trace)]

    def evaluate_loss(self, *args: Any, **kwargs: Any) -> float:
        """The loss on these arguments, nats, without gradients and without a step."""
        with self._store(), torch.no_grad():
            if isinstance(self.objective, ELBO):
                return self.objective.loss(self.model, self.guide, *args, **kwargs)
            return float(self.objective(self.model, self.guide, *args, **kwargs))

    def _store(self) -> Any:
        return nullcontext() if self.params is None else self.params

    def gradients(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, dict[str, Tensor]]:
        """The loss, nats, and the leaves that were read, with their gradients."""
        with ReadParameters() as read, _no_gradients_after_an_error(read.leaves):
            if self.loss_and_grads is not None:
                loss = self.loss_and_grads(self.model, self.guide, *args, **kwargs)
            elif isinstance(self.objective, ELBO):
                loss = self.objective.loss_and_grads(self.model, self.guide, *args, **kwargs)
            else:
                loss = self.objective(self.model, self.guide, *args, **kwargs)
                loss.backward()
        return float(loss.detach() if isinstance(loss, Tensor) else loss), read.leaves

    # Many steps

    def run(
        self,
        num_steps: int | None = None,
        *args: Any,
        epochs: int | None = None,
        data: Any = NOTHING,
        engine: str = "auto",
        progress: bool = True,
        callback: Callback | None = None,
        callback_every: int = 1,
        stop: Stop | None = None,
        checkpoint: str | PathLike[str] | None = None,
        every: float = 60.0,
        average: int = 0,
        restarts: int = 1,
        **kwargs: Any,
    ) -> Fit:
        """Take many steps, on the same arguments or on mini-batches.

        Ctrl-C ends the run after the steps at hand and returns what was fitted.

        Args:
            num_steps: how many, on the same arguments.
            *args: arguments of model and guide.
            epochs: how often to go through ``data``, instead of ``num_steps``.
            data: with ``epochs``, an iterable of mini-batches, such as a torch ``DataLoader``: a tuple or list is
                several arguments, a dict keyword arguments. Without ``epochs``, an argument of model and guide.
            engine: ``"eager"``; ``"xla"`` or ``"inductor"``, which capture a whole step as one graph and compile it;
                or ``"auto"``: a compiled engine where there is one and the run repays compiling.
            progress: whether a bar shows loss, steps a second and time left, where standard error is a terminal.
            callback: called with the number of steps done and the last loss, nats.
            callback_every: after how many steps.
            stop: a rule that may end the run early, such as :class:`virgil.infer.Plateau`.
            checkpoint: a file that holds the run as it stands. If it is there when the run begins, the run goes on
                where it stood, on the same engine, as if it had not been interrupted.
            every: the least number of seconds between two writings of ``checkpoint``.
            average: over how many of the last steps the parameters are averaged, in unconstrained space. A rule that
                ends the run early is followed by so many steps.
            restarts: from how many initial values to run: the present ones, and others that the programs make anew, by
                the ``init`` of parameters and by ``reset_parameters`` of networks and automatic guides. The run whose
                loss over its last tenth is lowest is returned and kept; ``fit.restarts`` holds all. On XLA they run as
                one program, ``callback`` and ``stop`` seeing the one that is ahead; elsewhere one after another.
            **kwargs: arguments of model and guide.

        Raises:
            CaptureError: a compiled engine was asked for, and the step cannot be captured.
            NonFiniteError: a loss or gradient is not finite; the parameters are as they were before that step.
        """
        options = Options(engine, progress, callback, callback_every, stop, checkpoint, every, average)
        source = partial(source_of, num_steps, epochs, data, args, kwargs)
        if not isinstance(restarts, int) or restarts < 1:
            raise ArgumentError(f"run() got restarts={restarts!r}; it takes a whole number, 1 or more.")
        if restarts > 1 and checkpoint is not None:
            raise ArgumentError("run() got restarts= and checkpoint=; several restarts are not written to disk.")
        with self._store():
            run = Run(self, source(), options) if restarts == 1 else Restarts(self, source, options, restarts)
            return run.take()

    def advance_schedule(self, loss: float) -> None:
        """Advance the learning rates' schedule by one, as :meth:`run` does after every step."""
        if self.scheduler is not None:
            self.scheduler.step(*([loss] if self.scheduler.takes_metric else []))

    def differentiable_loss(self, *args: Any, **kwargs: Any) -> Tensor:
        """The loss on these arguments, a scalar tensor, in nats."""
        if isinstance(self.objective, ELBO):
            return self.objective.differentiable_loss(self.model, self.guide, *args, **kwargs)
        return self.objective(self.model, self.guide, *args, **kwargs)

    @property
    def compiles(self) -> bool:
        """Whether the objective wants its steps compiled, however few they are."""
        return isinstance(self.objective, ELBO) and self.objective.compiles

    def compiled(self, engine: str) -> CompiledSteps:
        """The steps that have been captured for a compiled engine."""
        if engine not in self._compiled:
            self._compiled[engine] = CompiledSteps(self, engine)
        return self._compiled[engine]

    # Files

    def _own_optimizer(self) -> Optimizer:
        if not isinstance(self.optim, Optimizer):
            raise ArgumentError(
                "SVI was given a torch optimiser that holds its parameters without names, so their state cannot be "
                'saved by name. Use virgil.optim, such as Adam({"lr": 0.01}), or save its state_dict() yourself.'
            )
        return self.optim

    def save(self, filename: str | PathLike[str]) -> None:
        """Write the parameters to ``filename`` and the optimiser's state beside it, to ``filename + ".optim"``.

        Raises:
            ArgumentError: the optimiser is an instance of ``torch.optim``.
        """
        optimizer = self._own_optimizer()
        with self._store():
            get_param_store().save(filename)
        optimizer.save(f"{fspath(filename)}.optim")

    def load(self, filename: str | PathLike[str]) -> None:
        """Read what :meth:`save` wrote; the next step goes on where the saved run stopped.

        Raises:
            FileFormatError, ParamError: a file does not fit; parameters and optimiser are left as they were.
        """
        optimizer = self._own_optimizer()
        before = optimizer.get_state()
        optimizer.load(f"{fspath(filename)}.optim")
        try:
            with self._store():
                get_param_store().load(filename)
        except VirgilError:
            optimizer.set_state(before)
            raise
