"""``initialize_model``: a model's posterior as a potential energy over named real tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch.distributions import Transform

from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.mcmc.mcmc_kernel import Params
from virgil.infer.mcmc.target import Potential, target_of_model
from virgil.poutine.trace import Trace, trace

__all__ = ["initialize_model"]


def initialize_model(
    model: Callable[..., Any],
    model_args: tuple[Any, ...] = (),
    model_kwargs: Mapping[str, Any] | None = None,
    transforms: Mapping[str, Transform] | None = None,
    max_plate_nesting: int | None = None,
    jit_compile: bool = False,
    jit_options: Mapping[str, Any] | None = None,
    skip_jit_warnings: bool = False,
    num_chains: int = 1,
    init_strategy: InitFn = init_to_uniform,
    initial_params: Params | None = None,
) -> tuple[Params | list[Params], Potential, Mapping[str, Transform], Trace]:
    """A model's posterior for a sampler of your own.

    Args:
        model: the program.
        model_args: its arguments.
        model_kwargs: its arguments by name.
        transforms: by name, from a variable's support to real numbers. Default: those that are registered.
        max_plate_nesting: how many dims from the right belong to plates, at least. Default: found by running it.
        jit_compile: not needed; the energy is a function that torch differentiates.
        jit_options: not needed.
        skip_jit_warnings: not needed.
        num_chains: how many states to begin at.
        init_strategy: gives the values of sites there.
        initial_params: the state, or a list of them, in place of those.

    Returns:
        The state to begin at, a list with many chains; the potential energy, nats, a function of named real tensors;
        the transforms from supports to real numbers; and an execution of the model.

    Raises:
        ArgumentError: the model has no density over real vectors; the message says why.
    """
    kwargs = dict(model_kwargs or {})
    target = target_of_model(
        model,
        tuple(model_args),
        kwargs,
        transforms=transforms,
        max_plate_nesting=max_plate_nesting,
        init_fn=init_strategy,
        engine="eager",
    )
    with unmarked():
        execution: Trace = trace(model).get_trace(*model_args, **kwargs)
    starts: Any = initial_params
    if starts is None and target.begin is not None:
        found = [target.begin() for _ in range(num_chains)]
        starts = found[0] if num_chains == 1 else found
    return starts, target.potential, dict(target.transforms), execution
