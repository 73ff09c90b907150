"""The density of a model's posterior, or of that of a fit: made, and checked, before it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from virgil import settings
from virgil.distributions.core.validation import checked
from virgil.errors import ArgumentError, SupportError, VirgilError
from virgil.infer.density.bijection import is_discrete
from virgil.infer.density.draws_at_once import Joint, joint_of
from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.enumeration_check import check_agreement
from virgil.infer.density.execution import Call, no_guide, run_pair
from virgil.infer.density.init_messenger import InitMessenger
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.density.posterior import Density
from virgil.infer.density.reads import Reads, finding, reads_of
from virgil.infer.density.unconstrained import Part, is_point, part_of
from virgil.poutine.config_enumerate import config_enumerate
from virgil.poutine.site import Site

__all__ = ["density_of", "posterior_of"]

_TRIED = 3  # vectors at once


def posterior_of(
    model: Callable[..., Any],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    *,
    max_plate_nesting: int | None = None,
    init_fn: InitFn = init_to_uniform,
) -> Density:
    """The density of a model's own posterior: prior times likelihood, given its arguments.

    Discrete latent variables are summed out. Parameters have the values that the store has; new ones are made.

    Args:
        model: the program.
        args: its positional arguments, data among them.
        kwargs: its arguments by name.
        max_plate_nesting: how many dims from the right belong to plates, at least. Default: found by running it.
        init_fn: gives the values at which the model is tried.

    Raises:
        ArgumentError: the posterior has no density over real vectors; the message says why.
        ShapeError: a discrete variable that is to be summed out is not treated as a batch dim.
    """
    call = Call(config_enumerate(model), no_guide, args, kwargs or {})
    start = InitMessenger(init_fn)
    with unmarked(), checked(), torch.no_grad():
        joint = joint_of(call, True, max_plate_nesting, start)
        marked = any(site.infer.get("enumerate") == "parallel" for site in _latent(joint))
        joint = replace(joint, enumerates=marked)
        if marked and settings.get("validate"):
            with start, joint.whole_plates():
                apart = run_pair(call, enumerate_from=joint.dim, apart=True)
                check_agreement(call, joint.single, apart, joint.dim)
        return _tried(joint)


def density_of(joint: Joint) -> Density:
    """The density of the posterior that a guide is fitted to, relative to the guide's scale.

    For use where the parameters are those of the fit, without gradients and where no mark is left.

    Raises:
        ArgumentError: the posterior has no density over real vectors; the message says why.
    """
    return _tried(joint)


def _latent(joint: Joint) -> list[Site]:
    return [site for site in joint.single.model.nodes.values() if site.is_latent]


def _tried(joint: Joint) -> Density:
    """Make the density and check, by executions, that it is a function of the vectors."""
    _check_plates(joint)
    if joint.scale is None:
        raise ArgumentError(
            "The guide's sites have different poutine.scale, so that its objective has no one posterior."
        )
    parts = {site.name: part_of(site) for site in _latent(joint) if _is_part(site, joint)}
    if not parts:
        raise ArgumentError("The model has no continuous latent variable, so that its posterior has no density.")
    single = {name: part.site.value.unsqueeze(0) for name, part in parts.items()}
    rows = _moved(torch.cat([part.entries(part.bijection.inverse(single[name])) for name, part in parts.items()], 1))
    _check_values(joint)
    density = Density(joint, parts, (), Reads({}, {}, []))
    with finding() as found:
        density.run(joint.one_by_one(), rows[:1])
    density = replace(density, reads=reads_of(found))
    density = replace(density, parts=_settled(density, rows), deterministic=_deterministic(density, rows))
    _check_function(density, rows[0])
    if joint.at_once and not _agrees(density, rows):
        density = replace(density, joint=joint.one_by_one())
    return density


def _moved(row: Tensor) -> Tensor:
    """A vector and others beside it. Shapes: ``(1, dim)`` to ``(tried, dim)``."""
    numbers = torch.arange(_TRIED * row.shape[1], dtype=row.dtype, device=row.device).reshape(_TRIED, -1)
    moves = 0.1 * torch.sin(1.0 + numbers)
    moves[0] = 0.0
    return row + moves


def _check_values(joint: Joint) -> None:
    """Check that observations are values of their distributions.

    Raises:
        SupportError: torch refuses one.
    """
    for site in joint.single.model.nodes.values():
        if site.kind != "sample" or not site.observed:
            continue
        try:
            site.unscaled_log_prob  # noqa: B018 - may raise
        except ValueError as error:
            if isinstance(error, VirgilError):
                raise
            raise SupportError(
                f"At site {site.name!r} the observation has no density under {type(site.fn).__name__}: {error} Look at "
                "the data, or take a family whose support has them.",
                site=site.name,
            ) from None


def _check_plates(joint: Joint) -> None:
    for site in joint.single.model.nodes.values():
        for frame in site.frames:
            if frame.weight != 1.0:
                raise ArgumentError(
                    f"Plate {frame.name!r} takes {frame.size} of its {frame.full_size} slots, and the posterior of a "
                    "mini-batch is not that of the data. Give the whole data as arguments, indexed by the plate's own "
                    "indices."
                )


def _is_part(site: Site, joint: Joint) -> bool:
    """True for a latent site that has entries in the vector; others are summed out, or points."""
    if is_point(site):
        return False
    if not is_discrete(site.fn):
        return True
    is_marked = site.infer.get("enumerate") == "parallel"
    if joint.enumerates and is_marked and site.name not in joint.single.guide:
        return False
    family = type(site.fn).__name__
    if site.name in joint.single.guide:
        why = "the guide states it"
    elif not getattr(site.fn, "has_enumerate_support", False):
        why = f"a {family} has too many values to be listed"
    else:
        why = "it is not marked infer={'enumerate': 'parallel'}"
    raise ArgumentError(
        f"Site {site.name!r} is discrete ({family}) and cannot be summed out, because {why}; so the posterior has no "
        "density over real vectors. Give it a family of few values that is summed out, such as Categorical, sum it out "
        "by hand in a virgil.factor, or condition on it."
    )


def _settled(density: Density, rows: Tensor) -> Mapping[str, Part]:
    """The parts, those fixed whose bijections are the same at other values of sites and parameters."""
    bounds = []
    for row in rows:
        with torch.enable_grad():
            given = row.unsqueeze(0).detach().requires_grad_()
            bounds.append(density.run(density.joint.one_by_one(), given)[1].bounds)
    first = bounds[0]
    moving = {name for name, each in first.items() if any(bound.requires_grad for bound in each)}
    moving |= {name for other in bounds for name, each in other.items() if not all(map(torch.equal, each, first[name]))}
    return {name: replace(part, is_fixed=name not in moving) for name, part in density.parts.items()}


def _deterministic(density: Density, rows: Tensor) -> tuple[str, ...]:
    """Deterministic sites whose values have no dim of a variable that is summed out."""
    single = density.joint.single.model.nodes
    model, _ = density.run(density.joint.one_by_one(), rows[:1])
    return tuple(
        name
        for name, site in model.nodes.items()
        if site.kind == "deterministic"
        and isinstance(site.value, Tensor)
        and name in single
        and site.value.numel() == single[name].value.numel()
    )


def _check_function(density: Density, row: Tensor) -> None:
    one, other = density(row), density(row)
    if not torch.allclose(one, other, rtol=1e-6, atol=1e-6, equal_nan=True):
        raise ArgumentError(
            "The model draws random numbers besides its latent sites, so that its log-density is no function of them: "
            f"{float(one)} and {float(other)} at the same values. Look for sites hidden by poutine.block, for dropout "
            "in a network that is in training mode, and for torch.randn and its like; make them sample statements."
        )


def _agrees(density: Density, rows: Tensor) -> bool:
    """True where vectors at once have the log-densities that each has alone."""
    alone = torch.stack([density(row) for row in rows])
    try:
        together = density(rows)
    except Exception:  # whatever a program raises where values have a dim that it does not expect
        return False
    return torch.allclose(together, alone, rtol=1e-4, atol=1e-3, equal_nan=True)
