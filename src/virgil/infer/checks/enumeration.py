"""Whether enumerated variables are used where they can be summed out."""

from __future__ import annotations

from virgil.errors import PlateError
from virgil.poutine.enumeration import draws
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["check_enumeration"]


def check_enumeration(guide: Trace, model: Trace) -> None:
    """Check that what depends on an enumerated variable of a plate is itself in this plate.

    Raises:
        PlateError: it is not, so that a sum over all values in all slots would be asked for.
    """
    for trace in (guide, model):
        for name, site in trace.nodes.items():
            if site.kind == "sample":
                for variable in _used(site):
                    stated = guide.nodes.get(variable) or model.nodes[variable]
                    if draws(stated) is None:  # of all slots, the draws of one number are one joint draw
                        _check_inside(name, site, variable, stated)


def _used(site: Site) -> list[str]:
    """The enumerated variables that a site depends on."""
    shape = site.unscaled_log_prob.shape
    plates = {frame.dim for frame in site.frames}
    dims = range(-len(shape), 0)
    return [site.variables[dim] for dim in dims if shape[dim] != 1 and dim in site.variables and dim not in plates]


def _check_inside(name: str, site: Site, variable: str, stated: Site) -> None:
    plates = {frame.name for frame in site.frames}
    outside = [frame.name for frame in stated.frames if frame.dim is not None and frame.name not in plates]
    if outside:
        raise PlateError(
            f"Site {name!r} depends on {variable!r}, which is enumerated in plate {outside[0]!r}, but is itself "
            "outside this plate, so that every combination of values in its slots would have to be summed. Put the "
            f"statement in the plate, or sample {variable!r} in the guide without enumerating it."
        )
