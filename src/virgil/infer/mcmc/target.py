"""``Target``: a distribution over named real tensors by its potential energy, of a model or a function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform
from torch.distributions.transforms import identity_transform

from virgil.errors import ArgumentError, shown
from virgil.infer.blame import LinAlgError
from virgil.infer.density.bijection import Bijection
from virgil.infer.density.compiled_density import CompiledDensity
from virgil.infer.density.initialization import InitFn
from virgil.infer.density.posterior import Density
from virgil.infer.density.posterior_of import posterior_of
from virgil.infer.density.unconstrained import Part
from virgil.infer.mcmc.layout import Layout
from virgil.infer.mcmc.mcmc_kernel import Params

__all__ = ["Target", "target_of_function", "target_of_model"]

_TRIES = 100  # places at which a chain may try to begin

Potential = Callable[[Params], Tensor]


@dataclass(frozen=True, eq=False)
class Target:
    """A distribution over real vectors.

    Attributes:
        layout: the names in a vector.
        slope: from a vector to its potential energy, nats, and the gradient.
            Shapes: ``(dim,)`` to ``()`` and ``(dim,)``.
        potential: the energy as a function of named tensors, differentiable.
        transforms: by name, from a variable's support to real numbers, where these are fixed.
        constrained: from draws of named real tensors to the variables' values.
        begin: finds a state to begin at; ``None`` where none is known.
        engine: computes the energy, and the reason where it is not the one asked for.
    """

    layout: Layout
    slope: Callable[[Tensor], tuple[Tensor, Tensor]]
    potential: Potential
    transforms: Mapping[str, Transform]
    constrained: Callable[[Params], Params]
    begin: Callable[[], Params] | None
    engine: tuple[str, str] = ("eager", "")

    def energy(self, vector: Tensor) -> tuple[float, Tensor]:
        """Potential energy and gradient; infinite where the density is zero, or a number is not finite."""
        try:
            energy, slope = self.slope(vector)
        except (LinAlgError, ValueError, ArithmeticError) as error:
            if isinstance(error, ArgumentError):
                raise
            return math.inf, torch.zeros_like(vector)
        value = float(energy)
        return (value, slope) if math.isfinite(value) else (math.inf, torch.zeros_like(vector))

    def ordered(self, names: list[str]) -> Target:
        """The same with the names in another order."""
        mine, other = self.layout, self.layout.ordered(names)
        if list(mine.shapes) == names:
            return self
        places = mine.params(torch.arange(mine.dim))
        there = torch.cat([places[name].reshape(-1) for name in names])  # of mine, by entry of the other
        back = torch.argsort(there)

        def slope(vector: Tensor) -> tuple[Tensor, Tensor]:
            energy, found = self.slope(vector.index_select(0, back))
            return energy, found.index_select(0, there)

        return replace(self, layout=other, slope=slope)


def target_of_function(potential: Potential, transforms: Mapping[str, Transform] | None, params: Params) -> Target:
    """The target of a potential energy that a user writes.

    Args:
        potential: from named real tensors to the energy, nats, a scalar.
        transforms: by name, from a variable's support to real numbers.
        params: a state, for its names and shapes.
    """
    layout, known = Layout.of(params), dict(transforms or {})

    def slope(vector: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            given = vector.detach().requires_grad_()
            energy = potential(layout.params(given))
            if not isinstance(energy, Tensor) or energy.numel() != 1 or not energy.requires_grad:
                raise ArgumentError(
                    f"potential_fn returned {shown(energy)}; it must return a scalar tensor that is a differentiable "
                    "function of the tensors it gets, the negative log-density."
                )
            (found,) = torch.autograd.grad(energy, given)
        return energy.detach().reshape(()), found

    return Target(layout, slope, potential, known, _by_transforms(known), None)


def target_of_model(
    model: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    transforms: Mapping[str, Transform] | None,
    max_plate_nesting: int | None,
    init_fn: InitFn,
    engine: str,
) -> Target:
    """The target that is a model's posterior over real vectors, discrete variables summed out.

    Raises:
        ArgumentError: the model has no density over real vectors; the message says why.
    """
    density = posterior_of(model, args, kwargs, max_plate_nesting=max_plate_nesting, init_fn=init_fn)
    density = _with_transforms(density, transforms or {})
    computed = CompiledDensity(density, engine)
    layout = Layout({name: _shape(part) for name, part in density.parts.items()})

    def slope(vector: Tensor) -> tuple[Tensor, Tensor]:
        value, found = computed.gradient(vector)
        return -value, -found

    def potential(params: Params) -> Tensor:
        return -density(layout.vector(params))

    def constrained(params: Params) -> Params:
        rows = layout.rows(params)
        values = density.values(rows.reshape(-1, density.dim))
        return {name: value.reshape(rows.shape[:-1] + value.shape[1:]).detach() for name, value in values.items()}

    def begin() -> Params:
        for _ in range(_TRIES):
            vector = density.initial(1, init_fn)[0]
            energy, gradient = target.energy(vector)
            if math.isfinite(energy) and bool(gradient.isfinite().all()):
                return layout.params(vector)
        raise ArgumentError(
            f"A chain found no place to begin: at {_TRIES} of them the log-density or its gradient was not finite. "
            "Look at the model with virgil.explain(), or give init_strategy=init_to_value(values={...})."
        )

    found = {name: _to_real(part) for name, part in density.parts.items() if part.is_fixed}
    target = Target(layout, slope, potential, found, constrained, begin, (computed.engine, computed.reason))
    return target


def _shape(part: Part) -> torch.Size:
    """The shape of a variable in a state: unconstrained, and a row where some of its slots are observed."""
    return part.shape if part.places is None else torch.Size((part.size,))


def _to_real(part: Part) -> Transform:
    transform = part.bijection.transform
    return identity_transform if transform is None else transform.inv


def _with_transforms(density: Density, transforms: Mapping[str, Transform]) -> Density:
    """The density over the real numbers that a user's transforms lead to."""
    unknown = [name for name in transforms if name not in density.parts]
    if unknown:
        raise ArgumentError(
            f"transforms= has {unknown[0]!r}, and the model has no continuous latent variable of that name; it has "
            f"{', '.join(density.parts)}."
        )
    parts = dict(density.parts)
    for name, transform in transforms.items():
        site, inverse = parts[name].site, transform.inv
        events = len(site.fn.event_shape)
        apart = events - inverse.codomain.event_dim
        bijection = Bijection(site.fn.support, inverse, events, inverse.domain.event_dim + apart, apart)
        shape = bijection.inverse(site.value).shape
        parts[name] = replace(
            parts[name], bijection=bijection, is_fixed=True, shape=shape, size=shape.numel(), places=None
        )
    return replace(density, parts=parts)


def _by_transforms(transforms: Mapping[str, Transform]) -> Callable[[Params], Params]:
    def constrained(params: Params) -> Params:
        return {
            name: transforms[name].inv(value).detach() if name in transforms else value
            for name, value in params.items()
        }

    return constrained
