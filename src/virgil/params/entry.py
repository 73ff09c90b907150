"""One parameter: its leaf, its constraint, and the map between them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.errors import FitWarning, ParamError, a_kind, shown
from virgil.ops.user_code import warn_user
from virgil.params.constraint import Constraint, find_transform, is_unrestricted

__all__ = ["Entry", "Init", "LeafRef", "Owner", "entry_from_init", "entry_from_leaf", "initial_leaf", "leaf_from_value"]

_WHOLE = frozenset({torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64})
Init = Tensor | float | Callable[[], Tensor]


class Owner(Enum):
    """The owner of a parameter, by which a store treats a module of the same name."""

    STATEMENT = "statement"
    MODULE = "module"
    NOBODY = "nobody"  # it was loaded, and no statement or module has taken it up yet


class LeafRef:
    """The attribute ``unconstrained`` of a parameter's value. Called, it returns the leaf.

    The reference is weak, so that a leaf that is its own value does not own itself. A copied or pickled tensor has an
    empty reference, because a copy is no parameter of any store.
    """

    __slots__ = ("_ref",)

    def __init__(self, leaf: Tensor | None = None) -> None:
        self._ref = None if leaf is None else weakref.ref(leaf)

    def leaf(self) -> Tensor | None:
        """The leaf, or ``None`` for a copy."""
        return None if self._ref is None else self._ref()

    def __call__(self) -> Tensor:
        """The leaf."""
        leaf = self.leaf()
        if leaf is None:
            raise ParamError("This tensor is a copy of a parameter's value; read the parameter from its store instead.")
        return leaf

    def __reduce__(self) -> tuple[type[LeafRef], tuple[()]]:
        return LeafRef, ()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A parameter of a store.

    ``shape`` is the shape of the constrained value. ``transform`` is ``None`` for the identity. ``is_fresh`` is true of
    a value that was loaded and not used since; a new module of this name takes it in the place of its own.
    """

    leaf: Tensor
    constraint: Constraint
    transform: Callable[[Tensor], Tensor] | None
    shape: torch.Size
    owner: Owner
    ref: LeafRef
    is_fresh: bool

    def value(self) -> Tensor:
        """The constrained value, a differentiable function of the leaf."""
        if self.transform is None:
            return self.leaf
        value = self.transform(self.leaf)
        value.unconstrained = self.ref  # type: ignore[attr-defined]
        return value

    def with_leaf(self, leaf: Tensor) -> Entry:
        """The same parameter with another leaf, such as a tracer."""
        ref = LeafRef(leaf)
        if self.transform is None:
            leaf.unconstrained = ref  # type: ignore[attr-defined]
        return replace(self, leaf=leaf, ref=ref, is_fresh=False)

    def used(self) -> Entry:
        """The same parameter after a statement, or the module that owns it, has read it."""
        owner = Owner.STATEMENT if self.owner is Owner.NOBODY else self.owner
        return replace(self, owner=owner, is_fresh=False)

    def written(self) -> Entry:
        """The same parameter after a value was loaded into its leaf."""
        return replace(self, is_fresh=True)


def entry_from_leaf(name: str, leaf: Tensor, constraint: Constraint, owner: Owner) -> Entry:
    """An entry that holds this unconstrained tensor itself.

    Raises:
        ParamError: the tensor is not floating, or does not fit the constraint.
    """
    _check_floating(name, leaf)
    transform = find_transform(name, constraint)
    ref, is_fresh = LeafRef(leaf), owner is Owner.NOBODY
    if transform is None:
        leaf.unconstrained = ref  # type: ignore[attr-defined]
        return Entry(leaf, constraint, None, leaf.shape, owner, ref, is_fresh)
    try:
        shape = transform.forward_shape(leaf.shape)  # type: ignore[attr-defined]
    except ValueError as error:
        raise ParamError(
            f"Parameter {name!r} got an unconstrained tensor of shape {tuple(leaf.shape)}, which does not fit its "
            f"constraint {constraint}: {error}."
        ) from None
    return Entry(leaf, constraint, transform, torch.Size(shape), owner, ref, is_fresh)


def entry_from_init(name: str, init: Init, constraint: Constraint) -> Entry:
    """An entry with the initial value ``init``: a constrained tensor, or a function that returns one."""
    leaf = initial_leaf(name, init() if callable(init) else init, constraint)
    return entry_from_leaf(name, leaf.requires_grad_(True), constraint, Owner.STATEMENT)


def initial_leaf(name: str, value: Any, constraint: Constraint) -> Tensor:
    """A new unconstrained tensor for a parameter that begins at the constrained value ``value``.

    A value outside the constraint begins inside, with a warning, where the map onto the constraint says where.

    Raises:
        ParamError: ``value`` is not a floating tensor, or stays outside the constraint, or on its boundary.
    """
    value = _as_floats(name, value, constraint)
    if isinstance(value, Tensor) and value.is_floating_point():
        value = _projected(name, value.detach(), constraint)
    return leaf_from_value(name, value, constraint)


def _as_floats(name: str, value: Any, constraint: Constraint) -> Any:
    """Whole numbers of a constrained parameter as floats of the default dtype, with a warning where it rounds them."""
    is_constrained = isinstance(constraint, Constraint) and not is_unrestricted(constraint)
    if not (is_constrained and isinstance(value, Tensor) and value.dtype in _WHOLE):
        return value
    floats = value.to(torch.get_default_dtype())
    if not torch.equal(floats.double(), value.double()):
        warn_user(
            f"Parameter {name!r} got initial values of dtype {value.dtype} that {floats.dtype} rounds: "
            f"{_shown(value)}. Give them in a floating dtype.",
            FitWarning,
        )
    return floats


def leaf_from_value(name: str, value: Any, constraint: Constraint) -> Tensor:
    """A new unconstrained tensor with the constrained value ``value``.

    Raises:
        ParamError: ``value`` is not a floating tensor, lies outside the constraint, or lies on its boundary.
    """
    value = _as_floats(name, value, constraint)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = torch.tensor(float(value))
    if not isinstance(value, Tensor):
        raise ParamError(
            f"Parameter {name!r} got the initial value {shown(value)}, {a_kind(type(value))}; it takes a tensor, a "
            "number, or a function without arguments that returns one."
        )
    _check_floating(name, value)
    transform = find_transform(name, constraint)
    value = value.detach()
    _check_inside(name, value, constraint)
    # A copy in any case: an optimiser's steps must not change the tensor that the user gave.
    unconstrained: Tensor = value if transform is None else transform.inv(value)  # type: ignore[attr-defined]
    leaf = unconstrained.clone(memory_format=torch.contiguous_format)
    if transform is not None and not bool(leaf.isfinite().all()) and bool(value.isfinite().all()):
        raise ParamError(
            f"Parameter {name!r} got an initial value on the boundary of its constraint {constraint}, where its "
            f"unconstrained value is infinite: {_shown(value)}. Move it inside."
        )
    return leaf


def _check_floating(name: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point():
        raise ParamError(
            f"Parameter {name!r} got a tensor of dtype {tensor.dtype}; a parameter is optimised, so it takes a "
            "floating dtype. Convert it, for instance by .float()."
        )


def _projected(name: str, value: Tensor, constraint: Constraint) -> Tensor:
    """The value that the map onto the constraint makes of one outside; a value inside, or one that has none, as it is.

    Counts become the shares that they are of their sum, and a matrix its lower triangle.
    """
    transform: Any = find_transform(name, constraint)
    try:
        if transform is None or bool(constraint.check(value).all()):
            return value
        leaf = transform.inv(value)
        inside: Tensor = transform(leaf)
        is_good = bool(leaf.isfinite().all()) and bool(constraint.check(inside).all())
    except (RuntimeError, ValueError, IndexError, NotImplementedError):
        return value
    if not is_good or inside.shape != value.shape:
        return value
    warn_user(
        f"Parameter {name!r} got an initial value outside the constraint {constraint}: {_shown(value)}. It begins "
        f"inside, at {_shown(inside)}.",
        FitWarning,
    )
    return inside


def _check_inside(name: str, value: Tensor, constraint: Constraint) -> None:
    try:
        inside = constraint.check(value)
    except (RuntimeError, IndexError) as error:
        raise ParamError(
            f"Parameter {name!r} got an initial value of shape {tuple(value.shape)}, which does not fit its constraint "
            f"{constraint}: {error}."
        ) from error
    if bool(inside.all()):
        return
    offending = value[~inside] if inside.shape == value.shape[: inside.dim()] else value
    hint = "NaN is no value." if bool(value.isnan().any()) else "Give a value inside it, or another constraint."
    what = f"the constraint {constraint}" if constraint is not constraints.real else "the real numbers"
    raise ParamError(f"Parameter {name!r} got an initial value outside {what}: {_shown(offending)}. {hint}")


def _shown(value: Tensor) -> str:
    """At most three values of a tensor, as text."""
    flat = value.flatten() if value.dim() < 2 else value.reshape(-1, *value.shape[-1:])
    first = flat[:3].tolist()
    more = f" and {len(flat) - 3} more" if flat.dim() and len(flat) > 3 else ""
    return ", ".join(str(each) for each in first) + more
