"""The posterior that is approximated: its surface, in double precision where the model takes it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.infer.approximation.surface import Surface, surface_of
from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.execution import Program
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.density.posterior_of import density_of, posterior_of
from virgil.infer.trust.draws import Arguments, joint
from virgil.infer.run.origin import Origin
from virgil.ops.random_state import set_rng_seed
from virgil.ops.trees import tree_flatten, tree_unflatten

__all__ = ["doubled", "surface_of_fit", "surface_of_model", "starts_of"]


def surface_of_model(model: Program, args: tuple[Any, ...], kwargs: dict[str, Any], init_fn: InitFn) -> Surface:
    """The surface of a model's own posterior, its marked or markable discrete variables summed out.

    Raises:
        ArgumentError: the posterior has no density over real vectors; the message says why.
    """
    wide_args, wide_kwargs = doubled((args, kwargs))
    try:
        return surface_of(posterior_of(model, wide_args, wide_kwargs, init_fn=init_fn))
    except (RuntimeError, TypeError):  # the model mixes data with tensors of its own in single precision
        return surface_of(posterior_of(model, args, kwargs, init_fn=init_fn))


def surface_of_fit(origin: Origin, given: Arguments | None) -> Surface:
    """The surface of the posterior that a fit is of; for use where parameters are those of the fit.

    Raises:
        ArgumentError: it has no density over real vectors; the message says why.
    """
    arguments = (origin.batch.args, origin.batch.kwargs) if given is None else given
    try:
        return surface_of(density_of(joint(origin, doubled(arguments))))
    except (RuntimeError, TypeError):
        return surface_of(density_of(joint(origin, arguments)))


def doubled(arguments: Any) -> Any:
    """The same with floating-point tensors in double precision."""
    leaves, structure = tree_flatten(arguments)
    return tree_unflatten([each.double() if _is_real(each) else each for each in leaves], structure)


def _is_real(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point()


def starts_of(surface: Surface, count: int, init_fn: InitFn, seed: int) -> Tensor:
    """Vectors to begin at: one by ``init_fn``, the others uniform in (-2, 2). Shape: ``(count, dim)``, float64."""
    with unmarked():
        set_rng_seed(seed)
        first = surface.density.initial(1, init_fn)
        others = [surface.density.initial(1, init_to_uniform) for _ in range(count - 1)]
    return torch.cat([first, *others]).double()
