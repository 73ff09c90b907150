"""``SVI``: fit a guide to a model by stochastic variational inference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any, Generic, Self, TypeVar, overload

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.density.execution import Program
from virgil.infer.fit import Fit
from virgil.infer.objective import FunctionObjective, Objective, as_objective
from virgil.infer.problem import Problem
from virgil.infer.run.loop import Callback
from virgil.infer.run.restarts import Restarts
from virgil.infer.run.run import Options, Run
from virgil.infer.run.saved import load_fit, save_fit
from virgil.infer.run.source import NOTHING, source_of
from virgil.infer.run.stop import Stop
from virgil.infer.step.session import Session
from virgil.optim import LRScheduler, Optimizer, as_optimizer
from virgil.optim.adapters import AnyOptimizer, as_given
from virgil.params import ParamStore, get_param_store
from virgil.poutine.block import unrecorded

__all__ = ["SVI"]

Loss = Objective | Callable[..., Tensor]
Value = TypeVar("Value")


class _Part(Generic[Value]):
    """A part of the problem as an attribute of :class:`SVI`; setting it takes up the problem with another part."""

    def __init__(self, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, svi: None, owner: type[SVI]) -> Self: ...
    @overload
    def __get__(self, svi: SVI, owner: type[SVI]) -> Value: ...
    def __get__(self, svi: SVI | None, owner: type[SVI]) -> Self | Value:
        if svi is None:  # asked of the class
            return self
        value: Value = _AS_GIVEN.get(self._name, _same)(getattr(svi.problem, self._name))
        return value

    def __set__(self, svi: SVI, value: Any) -> None:
        adapt = _ADAPTERS.get(self._name)
        svi.session.take_up(replace(svi.problem, **{self._name: value if adapt is None else adapt(value)}))


def _same(part: Any) -> Any:
    return part


_ADAPTERS: dict[str, Callable[[Any], Any]] = {"optim": as_optimizer}
_AS_GIVEN: dict[str, Callable[[Any], Any]] = {"optim": as_given}


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
        if params is not None and not isinstance(params, ParamStore):
            raise ArgumentError(f"SVI got params={shown(params)}; it takes a ParamStore. An optimiser goes to optim=.")
        for role, program in (("model", model), ("guide", guide)):
            if not callable(program):
                raise ArgumentError(
                    f"SVI got {role}={shown(program)}, which cannot be called. Pass the function itself."
                )
        objective, scheduler = as_objective(loss, loss_and_grads), optim if isinstance(optim, LRScheduler) else None
        self.session = Session(Problem(model, guide, objective, as_optimizer(optim), scheduler, params))

    @property
    def problem(self) -> Problem:
        """The present problem. A part of it may be exchanged between two steps: ``svi.model = other``."""
        return self.session.problem

    model, guide, optim = _Part[Program]("model"), _Part[Program]("guide"), _Part[AnyOptimizer]("optim")
    scheduler, params = _Part[LRScheduler | None]("scheduler"), _Part[ParamStore | None]("params")

    @property
    def objective(self) -> Loss:
        """The objective as it was given: a function that was given as one is that function."""
        objective = self.problem.objective
        return objective.fn if isinstance(objective, FunctionObjective) else objective

    @objective.setter
    def objective(self, loss: Loss) -> None:
        self.session.take_up(replace(self.problem, objective=as_objective(loss)))

    # One step

    def step(self, *args: Any, **kwargs: Any) -> float:
        """Take one step on these arguments of model and guide; returns the loss before it, nats."""
        with self.session.alone, self.problem.store(), unrecorded():
            return self.session.step(args, kwargs)

    def evaluate_loss(self, *args: Any, **kwargs: Any) -> float:
        """The loss on these arguments, nats, without gradients and without a step."""
        with self.problem.store(), unrecorded():
            return self.problem.objective.loss(self.problem.model, self.problem.guide, *args, **kwargs)

    def loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The objective's loss of any model and guide on these arguments, nats, without gradients."""
        with self.problem.store():
            return self.problem.objective.loss(model, guide, *args, **kwargs)

    def loss_and_grads(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The same, nats; gradients are added to the ``grad`` of every parameter."""
        with self.problem.store():
            return self.problem.objective.loss_and_grads(model, guide, *args, **kwargs)

    def differentiable_loss(self, *args: Any, **kwargs: Any) -> Tensor:
        """The loss on these arguments, a scalar tensor, in nats."""
        return self.problem.loss(*args, **kwargs)

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
            callback: called with the number of steps done and the last loss, nats. It may change anything; on a
                compiled engine a look at the programs follows, which takes as long as some eager steps.
            callback_every: after how many steps.
            stop: a rule that may end the run early, such as :class:`virgil.infer.Plateau`.
            checkpoint: a file that holds the run as it stands. If it is there when the run begins, the run goes on
                from there as if uninterrupted, on the file's engine; or on another that is named, with a warning.
            every: the least number of seconds between two writings of ``checkpoint``.
            average: over how many of the last steps the parameters are averaged, in unconstrained space. A rule that
                ends the run early is followed by so many steps.
            restarts: from how many initial values to run: the present ones, and others that the programs make anew, by
                the ``init`` of parameters and by ``reset_parameters`` of networks and automatic guides. The run whose
                loss over its last tenth is lowest is returned and kept; ``fit.restarts`` holds all. On XLA they run as
                one program, ``callback`` and ``stop`` seeing the one that is ahead; elsewhere one after another.
            **kwargs: arguments of model and guide.

        Raises:
            FileFormatError: ``checkpoint`` is damaged, or the run of another program; all is as it was.
            CaptureError: a compiled engine was asked for, and the step cannot be captured.
            NonFiniteError: a loss or gradient is not finite; the parameters are as they were before that step.
            ThreadError: another thread takes steps, or looks at a fit of this SVI.
        """
        options = Options(engine, progress, callback, callback_every, stop, checkpoint, every, average)
        source = partial(source_of, num_steps, epochs, data, args, kwargs)
        if not isinstance(restarts, int) or restarts < 1:
            raise ArgumentError(f"run() got restarts={shown(restarts)}; it takes a whole number, 1 or more.")
        with self.session.alone, self.problem.store(), unrecorded():
            if restarts == 1:
                return Fit.of(Run(self.session, source(), options).take())
            return Fit.of(*Restarts(self.session, source, options, restarts).take())

    # Files

    def _own_optimizer(self) -> Optimizer:
        if not isinstance(self.problem.optim, Optimizer):
            raise ArgumentError(
                "SVI was given a torch optimiser that holds its parameters without names, so their state cannot be "
                'saved by name. Use virgil.optim, such as Adam({"lr": 0.01}), or save its state_dict() yourself.'
            )
        return self.problem.optim

    def save(self, filename: str | PathLike[str]) -> None:
        """Write the parameters and the optimiser's state to one file, which is replaced as a whole or not at all.

        Raises:
            ArgumentError: the optimiser is an instance of ``torch.optim``.
            ParamError: a constraint has no written form.
        """
        optimizer = self._own_optimizer()
        with self.problem.store():
            save_fit(filename, get_param_store(), optimizer)

    def load(self, filename: str | PathLike[str]) -> None:
        """Read what :meth:`save` wrote; the next step goes on where the saved run stopped.

        Raises:
            FileFormatError: the file is damaged or does not fit; parameters and optimiser are left as they were.
        """
        optimizer = self._own_optimizer()
        with self.problem.store():
            load_fit(filename, get_param_store(), optimizer)
