"""The leapfrog integrator of Hamiltonian dynamics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

__all__ = ["Energies", "Gradient", "Tensors", "energy_gradient", "leapfrog"]

Tensors = Mapping[str, Tensor]
Energies = Callable[[dict[str, Tensor]], Tensor]
"""The potential energy at a position."""

Gradient = Callable[[Tensors], tuple[dict[str, Tensor], Tensor]]
"""The gradient of the potential energy at a position, and the energy."""


def energy_gradient(potential_fn: Energies, z: Tensors) -> tuple[dict[str, Tensor], Tensor]:
    """The gradient of a potential energy at ``z``, and the energy. Neither has a derivative.

    Args:
        potential_fn: the energy at a position.
        z: the position, by name.
    """
    with torch.enable_grad():
        position = {name: value.detach().requires_grad_() for name, value in z.items()}
        energy = potential_fn(position)
        gradients = torch.autograd.grad(energy, list(position.values()))
    return dict(zip(position, gradients, strict=True)), energy.detach()


def leapfrog(
    z: Tensors,
    r: Tensors,
    gradient: Gradient,
    velocity: Callable[[dict[str, Tensor]], Tensors],
    step_size: float | Tensor,
    num_steps: int = 1,
    z_grads: Tensors | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor], Tensor]:
    r"""Steps of :math:`\dot z = \nabla K(r)`, :math:`\dot r = -\nabla U(z)`.

    Each takes half a step of the momentum, a step of the position and half a step of the momentum. The map keeps
    volumes and is its own inverse with the momentum turned round; the error of the energy is of second order in the
    step's size *(Neal 2011, section 2.3)*.

    Args:
        z: the position, by name.
        r: the momentum, by name.
        gradient: of the potential energy.
        velocity: the gradient of the kinetic energy.
        step_size: the time that a step takes.
        num_steps: how many steps.
        z_grads: the gradient at ``z``, where it is known.

    Returns:
        Position and momentum, the gradient of the potential energy there, and the energy.
    """
    z, r = dict(z), dict(r)
    energy: Tensor | None = None
    grads = dict(z_grads) if z_grads is not None else None
    for _ in range(num_steps):
        grads = gradient(z)[0] if grads is None else grads
        r = {name: value - grads[name] * (step_size / 2) for name, value in r.items()}
        speeds = velocity(r)
        z = {name: value + speeds[name] * step_size for name, value in z.items()}
        grads, energy = gradient(z)
        r = {name: value - grads[name] * (step_size / 2) for name, value in r.items()}
    if grads is None or energy is None:
        grads, energy = gradient(z)
    return z, r, grads, energy
