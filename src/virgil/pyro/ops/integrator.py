"""The integrator with the old arguments, and the errors of a potential energy that mean a position is impossible."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from virgil.ops.leapfrog import Energies, Tensors, energy_gradient, leapfrog

__all__ = ["potential_grad", "register_exception_handler", "velocity_verlet"]

Handler = Callable[[Exception], bool]


def _is_singular(error: Exception) -> bool:
    """True for the errors of torch's decompositions, some of which are plain runtime errors."""
    return isinstance(error, RuntimeError) and any(word in str(error) for word in ("singular", "linalg."))


_handlers: dict[str, Handler] = {"torch_singular": _is_singular}


def register_exception_handler(name: str, handler: Handler, warn_on_overwrite: bool = True) -> None:
    """Say of which errors of a potential function the energy is to be NaN, so that a sampler rejects the position.

    Args:
        name: of the handler.
        handler: returns true for such an error.
        warn_on_overwrite: if true, warn where there is a handler of this name, which the new one replaces.
    """
    if name in _handlers and warn_on_overwrite:
        warnings.warn(f"There is an exception handler {name!r} already; this one replaces it.", RuntimeWarning, 2)
    _handlers[name] = handler


def potential_grad(potential_fn: Energies, z: Tensors) -> tuple[dict[str, Tensor], Tensor]:
    """The gradient of a potential energy at ``z``, by name, and the energy.

    Where the function raises an error that a handler knows, the gradient is zero and the energy NaN.

    Args:
        potential_fn: the energy at a position.
        z: the position, by name.
    """
    try:
        return energy_gradient(potential_fn, z)
    except Exception as error:
        if not any(handler(error) for handler in _handlers.values()):
            raise
    grads = {name: torch.zeros_like(value) for name, value in z.items()}
    return grads, next(iter(z.values())).new_full((), torch.nan)


def velocity_verlet(
    z: Tensors,
    r: Tensors,
    potential_fn: Energies,
    kinetic_grad: Callable[[dict[str, Tensor]], Tensors],
    step_size: float,
    num_steps: int = 1,
    z_grads: Tensors | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Steps of Hamiltonian dynamics, :func:`~virgil.ops.leapfrog.leapfrog`.

    Args:
        z: the position, by name.
        r: the momentum, by name.
        potential_fn: the potential energy at a position.
        kinetic_grad: the gradient of the kinetic energy.
        step_size: the time that a step takes.
        num_steps: how many steps.
        z_grads: the gradient at ``z``, where it is known.

    Returns:
        Position and momentum, the gradient of the potential energy there, and the energy.
    """
    return leapfrog(z, r, partial(potential_grad, potential_fn), kinetic_grad, step_size, num_steps, z_grads)
