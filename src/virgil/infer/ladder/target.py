"""``Target``: a posterior over real vectors as a ladder sees it, as the model states it or in other variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, VirgilError
from virgil.infer.approximation.posterior import starts_of, surface_of_model
from virgil.infer.approximation.surface import Surface
from virgil.infer.autoguide.core.inverse_structure import reads_by_statement
from virgil.infer.density.initialization import init_to_feasible
from virgil.infer.reparam.loc_scale import LocScaleReparam, is_location_scale
from virgil.infer.reparam.wrapped_families import innermost
from virgil.poutine.reparam import reparam

__all__ = ["Target", "non_centred", "target_of"]

Model = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Target:
    """A posterior over real vectors.

    Attributes:
        model: as the user states it.
        args: its arguments.
        kwargs: its arguments by name.
        surface: its density over real vectors, with derivatives.
        dtypes: of the variables that are asked for: the model's latent ones and its deterministic ones.
        form: how the variables of the vectors are stated, in words.
    """

    model: Model
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    surface: Surface
    dtypes: Mapping[str, torch.dtype]
    form: str

    @property
    def chunk(self) -> int:
        """How many draws one execution of the model takes."""
        return self.surface.density.joint.chunk

    def starts(self, count: int, seed: int) -> Tensor:
        """Vectors to begin at. Shape: ``(count, dim)``, float64."""
        return starts_of(self.surface, count, init_to_feasible, seed)

    def log_density(self, rows: Tensor) -> Tensor:
        """Nats. Shapes: ``(num, dim)`` to ``(num,)``."""
        return self.surface.value(rows)

    def values(self, rows: Tensor) -> dict[str, Tensor]:
        """The values of the variables that are asked for. Shape: ``(num, *shape of the variable)``."""
        density = self.surface.density
        with torch.no_grad():
            found = density.sites(rows.to(density.dtype), tuple(self.dtypes))
        return {name: found[name].to(dtype) for name, dtype in self.dtypes.items()}


def target_of(model: Model, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Target:
    """The posterior of a model in the variables that it states.

    Raises:
        ArgumentError: it has no density over real vectors, or parameters to be learnt; the message says why.
    """
    surface = surface_of_model(model, args, kwargs, init_to_feasible)
    learnt = [name for name, leaf in surface.density.reads.leaves.items() if leaf.requires_grad]
    if learnt:
        raise ArgumentError(
            f"The model has the parameter {learnt[0]!r}, which is to be learnt beside the posterior, by steps on the "
            "evidence lower bound."
        )
    sites = surface.narrow.joint.single.model.nodes
    names = (*surface.density.parts, *surface.density.deterministic)
    return Target(model, args, kwargs, surface, {name: sites[name].value.dtype for name in names}, "as stated")


def non_centred(target: Target) -> Target | None:
    """The same posterior with standard variables in place of those whose location or scale is latent, if any."""
    try:
        names = _hierarchical(target)
        if not names:
            return None
        config = {name: LocScaleReparam(0.0) for name in names}
        surface = surface_of_model(reparam(target.model, config=config), target.args, target.kwargs, init_to_feasible)
    except VirgilError:
        return None
    if any(name not in surface.density.joint.single.model.nodes for name in target.dtypes):
        return None
    surface.counts = target.surface.counts  # all that is computed for one answer is counted together
    return replace(target, surface=surface, form=f"with standard variables for {', '.join(names)}")


def _hierarchical(target: Target) -> list[str]:
    """The latent variables of location and scale that depend on other latent ones."""
    density = target.surface.narrow
    parts = density.parts
    reads = reads_by_statement(target.model, density.joint.single.model, target.args, target.kwargs) or {}
    return [
        name
        for name, part in parts.items()
        if set(reads.get(name, ())) & set(parts) - {name} and is_location_scale(innermost(part.site.fn))
    ]
