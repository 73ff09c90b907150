"""Check that a parameter stays where the argument or the support lies that it is handed to, by its constraint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions import Delta
from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.errors import SupportError
from virgil.infer.checks.containment import family_name, is_unchecked, layers, support_of
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.regions import are_apart, contains, described, is_left_at_once, is_of_entries
from virgil.params import get_param_store
from virgil.params.constraint import Constraint, same_constraint
from virgil.poutine.site import Site

__all__ = ["Loose", "is_whole", "loose_parameters", "nested", "parameter_of", "range_problems"]

_NAMES = ("positive", "nonnegative", "unit_interval", "simplex", "lower_cholesky", "positive_definite", "corr_cholesky")


@dataclass(frozen=True)
class Loose:
    """A parameter that its constraint lets leave the set where its value is needed.

    Attributes:
        parameter: its name.
        constraint: its own.
        wanted: the set.
        site: where it is needed.
        place: the argument, or the support, in words.
        is_point: whether it is the support, of which the value is a point.
    """

    parameter: str
    constraint: Constraint
    wanted: Constraint
    site: str
    place: str
    is_point: bool = False

    @property
    def cure(self) -> str:
        """The way to keep it inside."""
        known = ((name, getattr(constraints, name)) for name in _NAMES)
        name = next((name for name, each in known if _is_same(entry_constraint(self.wanted), each)), None)
        given = "constraint=..." if name is None else f"constraint=constraints.{name}"
        return f"Write virgil.param({self.parameter!r}, ..., {given})."

    def error(self) -> SupportError | None:
        """The error about a present value outside the set; ``None`` for one inside."""
        store = get_param_store()
        if self.parameter not in store:
            return None
        with torch.no_grad():
            value = store[self.parameter]
            inside = self.wanted.check(value)
        if bool(inside.all()):
            return None
        example = value[~inside].flatten()[0].item() if inside.shape == value.shape else None
        shown = f"shape {tuple(value.shape)}" if example is None else f"{example:.4g}"
        return SupportError(
            f"At site {self.site!r}, {self.place} must be {described(self.wanted)}, and steps have taken parameter "
            f"{self.parameter!r} outside, to {shown}. {self.cure}",
            site=self.site,
        )


def range_problems(subject: Subject) -> Iterator[Finding]:
    """Parameters that may leave the range of the argument, or of the support, that they are handed to.

    It is an error where no step can stay inside, as of positive numbers for a simplex. Elsewhere a free argument is a
    warning, and a free point is nothing as long as it lies inside: it says where the posterior has its mode.
    """
    for loose in loose_parameters(subject):
        is_error = is_left_at_once(loose.wanted) or are_apart(loose.wanted, loose.constraint)
        if loose.is_point and not is_error:
            continue
        yield Finding(
            f"At site {loose.site!r}, {loose.place} must be {described(loose.wanted)}. It is parameter "
            f"{loose.parameter!r}, whose constraint allows {described(loose.constraint)}, and "
            f"{'the next' if is_error else 'a'} step {'leaves' if is_error else 'may leave'} that.",
            loose.cure,
            loose.site,
            severity="error" if is_error else "warning",
            kind=SupportError,
        )


def loose_parameters(subject: Subject) -> list[Loose]:
    """Each parameter that may leave a set where its value is needed, once."""
    found: dict[str, Loose] = {}
    for role, site in subject.sites():
        if site.mask is not False and not is_unchecked(site.fn):
            for each in _in_arguments(role, site):
                found.setdefault(each.parameter, each)
    for name, site in subject.guide.nodes.items():
        other = subject.model.nodes.get(name)
        if site.is_latent and other is not None and other.is_latent:
            for each in _as_points(site, other):
                found.setdefault(each.parameter, each)
    return list(found.values())


def _in_arguments(role: str, site: Site) -> Iterator[Loose]:
    for fn in nested(site.fn):
        for name, wanted in _declared(fn).items():
            value = vars(fn).get(name)
            if isinstance(wanted, Constraint) and not constraints.is_dependent(wanted) and isinstance(value, Tensor):
                yield from _loose(value, wanted, site, f"argument {name!r} of the {role}'s {family_name(site.fn)}")


def nested(fn: Any) -> Iterator[td.Distribution]:
    """The distribution and those that it is made of."""
    if isinstance(fn, td.Distribution):
        yield fn
        for value in vars(fn).values():
            yield from nested(value)


def _declared(fn: Any) -> Mapping[str, Any]:
    """The constraints of the distribution's arguments that do not depend on other arguments."""
    declared = getattr(type(fn), "arg_constraints", None)
    return declared if isinstance(declared, Mapping) else {}


def _as_points(site: Site, other: Site) -> Iterator[Loose]:
    point, wanted = layers(site.fn)[-1], support_of(other)
    if isinstance(point, Delta) and wanted is not None and not isinstance(layers(other.fn)[-1], Delta):
        yield from _loose(point.v, wanted, site, f"the point, for the model's {family_name(other.fn)},", True)


def _loose(value: Tensor, wanted: Constraint, site: Site, place: str, is_point: bool = False) -> Iterator[Loose]:
    name, base = parameter_of(value)
    if name is None:
        name, wanted, whole = _normalised(value), constraints.nonnegative, True
    else:
        whole = is_whole(value, base)
    if name is None or (value.numel() == 1 and not is_of_entries(wanted)):
        return
    constraint = get_param_store().constraint(name)
    by_entry = is_of_entries(wanted) and is_of_entries(constraint)
    if (whole or by_entry) and contains(wanted, constraint, as_sets=True) is False:
        yield Loose(name, constraint, wanted, site.name, place, is_point)


def parameter_of(value: Tensor) -> tuple[str | None, Tensor]:
    """The name of the parameter that a value is, or is a view of, and the tensor of which it is a view."""
    store = get_param_store()
    base = value if value._base is None else value._base
    return store.param_name(value) or store.param_name(base), base


def is_whole(value: Tensor, base: Tensor) -> bool:
    """True if the value is the parameter's, repeated along dims on the left or not, and no part of it."""
    dims = value.dim() - base.dim()
    repeats = all(stride == 0 or size == 1 for stride, size in zip(value.stride()[:dims], value.shape, strict=False))
    same = value.shape[dims:] == base.shape and value.stride()[dims:] == base.stride()
    return dims >= 0 and repeats and same and value.storage_offset() == base.storage_offset()


def _normalised(value: Tensor) -> str | None:
    """The unconstrained parameter that the value is but for a factor that makes it sum to one."""
    source: Any = value.grad_fn
    while source is not None and source.name() == "ExpandBackward0":
        source = source.next_functions[0][0]
    if source is None or source.name() != "DivBackward0":
        return None
    leaf = getattr(source.next_functions[0][0], "variable", None)
    return get_param_store().param_name(leaf) if isinstance(leaf, Tensor) else None


def _is_same(wanted: Constraint, named: Constraint) -> bool:
    """True if they are one set; of those whose entries hang together there is one of each type."""
    return same_constraint(wanted, named) or (type(wanted) is type(named) and not is_of_entries(named))
