"""The shapes of a distribution, from the shapes of its arguments alone."""

from __future__ import annotations

from typing import Any

from torch import Size

from virgil.errors import ArgumentError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["ShapesNotInferredError", "inferred_shapes"]


class ShapesNotInferredError(ArgumentError, NotImplementedError):
    """Also a NotImplementedError, by which programs learn that the shapes do not say enough."""


def inferred_shapes(family: Any, arg_shapes: dict[str, Sizes]) -> tuple[Size, Size]:
    """The batch shape and the event shape of a family, made with arguments of these shapes.

    Each argument's constraint says how many of its rightmost dims belong to one event; the rest are batch dims. The
    event has the size of an argument that has as many event dims as the support, or of one that has more.
    """
    shapes = {name: Size(shape) for name, shape in arg_shapes.items()}
    if not isinstance(family.arg_constraints, dict):
        raise _refusal(family, "its parameters are known to its instances alone")
    dims = {name: _event_dim(family, family.arg_constraints.get(name), name) for name in shapes}
    batch_shape = Size(broadcast_shapes(*(shape[: len(shape) - dims[name]] for name, shape in shapes.items())))
    event_dim = _event_dim(family, getattr(family, "support", None), "support")
    if event_dim == 0:
        return batch_shape, Size()
    wide = [name for name in shapes if dims[name] >= event_dim]
    if not wide:
        raise _refusal(family, f"no argument of {sorted(shapes)} has the shape of an event")
    shape = shapes[min(wide, key=lambda name: dims[name])]
    return batch_shape, shape[len(shape) - event_dim :]


def _event_dim(family: Any, constraint: Any, name: str) -> int:
    if constraint is None and name != "support":
        return 0  # a number that is no parameter
    try:
        return int(constraint.event_dim)
    except (AttributeError, NotImplementedError, TypeError) as error:
        raise _refusal(family, f"how many dims of its {name} are one event depends on more than shapes") from error


def _refusal(family: Any, why: str) -> ShapesNotInferredError:
    return ShapesNotInferredError(
        f"The shapes of {family.__name__} do not follow from those of its arguments: {why}. Make the distribution and "
        "read its batch_shape and event_shape."
    )
