"""Check that enumerated variables are used only where they can be summed out."""

from __future__ import annotations

from collections.abc import Iterator

from virgil.errors import PlateError
from virgil.infer.checks.finding import Finding, Subject
from virgil.poutine.enumeration import draws
from virgil.poutine.site import Site

__all__ = ["enumeration_problems", "ignored_problems"]


def enumeration_problems(subject: Subject) -> Iterator[Finding]:
    """Sites outside a plate that depend on an enumerated variable in it: all values in all slots would be summed."""
    for _, site in subject.sites():
        for variable in _used(site):
            stated = subject.guide.nodes.get(variable) or subject.model.nodes[variable]
            if draws(stated) is None:  # of all slots, the draws of one number are one joint draw
                yield from _outside(site, variable, stated)


def _used(site: Site) -> list[str]:
    """The enumerated variables that a site depends on."""
    shape = site.unscaled_log_prob.shape
    plates = {frame.dim for frame in site.frames}
    dims = range(-len(shape), 0)
    return [site.variables[dim] for dim in dims if shape[dim] != 1 and dim in site.variables and dim not in plates]


def _outside(site: Site, variable: str, stated: Site) -> Iterator[Finding]:
    plates = {frame.name for frame in site.frames}
    outside = [frame.name for frame in stated.frames if frame.dim is not None and frame.name not in plates]
    if outside:
        yield Finding(
            f"Site {site.name!r} depends on {variable!r}, which is enumerated in plate {outside[0]!r}, but is itself "
            "outside this plate, so that every combination of values in its slots would have to be summed.",
            f"Put the statement in the plate, or sample {variable!r} in the guide without enumerating it.",
            site.name,
            kind=PlateError,
        )


def ignored_problems(subject: Subject) -> Iterator[Finding]:
    """Options of the guide's sites that the objective does nothing with."""
    objective = subject.objective
    if objective is None:
        return
    name, accepted = type(objective).__name__, not getattr(objective, "strict_enumeration_warning", True)
    for site in subject.guide.nodes.values():
        is_marked = site.is_latent and site.infer.get("enumerate") is not None
        if is_marked and not objective.enumerates_guide and not accepted:
            yield Finding(
                f"At site {site.name!r}, the guide asks for enumeration, and {name} draws the variable.",
                "Use TraceEnum_ELBO, or take the mark away, or set strict_enumeration_warning=False to accept this.",
                site.name,
                severity="warning",
            )
        if site.is_latent and site.infer.get("baseline"):
            yield Finding(
                f"At site {site.name!r}, the guide gives a baseline, which {name} does not use: the gradient is right "
                "without it, and noisier.",
                "Take it away, or lower the noise by num_particles=.",
                site.name,
                severity="warning",
            )
