"""Transformed variables, stated before their transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch import distributions as td
from torch.distributions.transforms import Transform

from virgil.distributions.util import sum_rightmost
from virgil.infer.reparam.reparameteriser import Reparam, computed, refused, state
from virgil.infer.reparam.wrapped_families import innermost, rebuilt
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["TransformReparam"]


class TransformReparam(Reparam):
    r"""States the base of a ``TransformedDistribution``, ``x_base``; the variable is its image.

    It helps where a posterior is simple before the transform. An observed variable is restated too, if its transforms
    can be inverted: its base is observed, and the variable keeps :math:`-\log\lvert\det \partial x / \partial
    x_\mathrm{base}\rvert`.

    Raises:
        ArgumentError: the variable has no transforms, or is observed and its transforms have no inverse.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.reparam import TransformReparam
        >>> model = lambda: virgil.sample("x", dist.LogNormal(0.0, 1.0))
        >>> trace = virgil.poutine.trace(virgil.poutine.reparam(model, config={"x": TransformReparam()})).get_trace()
        >>> trace.stochastic_nodes, bool(trace.nodes["x"].value == trace.nodes["x_base"].value.exp())
        (['x_base'], True)
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the base; the variable itself is its image."""
        name, fn, value = msg["name"], msg["fn"], msg["value"]
        family = innermost(fn)
        if not isinstance(family, td.TransformedDistribution):
            raise refused(self, msg, "a TransformedDistribution, such as LogNormal")
        transforms = family.transforms
        if msg["is_observed"] and not all(each.bijective for each in transforms):
            raise refused(self, msg, "an observed variable only where all transforms are bijective")
        begin = value
        if begin is not None:
            for each in reversed(transforms):
                begin = each.inv(begin)
        event_dim = len(fn.event_shape)
        base = state(f"{name}_base", rebuilt(fn, _base), begin, msg["is_observed"])
        if msg["is_observed"] and value is not None:
            return computed(value, event_dim, -_log_abs_det(transforms, base, event_dim))
        if value is None or base is not begin:
            value = base
            for each in transforms:
                value = each(value)
        return computed(value, event_dim)


def _base(family: td.TransformedDistribution) -> Any:
    """The distribution before the transforms, of the same batch shape."""
    base = family.base_dist
    if base.batch_shape != family.batch_shape:
        base = td.Independent(base, len(base.batch_shape) - len(family.batch_shape))
    return base


def _log_abs_det(transforms: Sequence[Transform], base: Tensor, event_dim: int) -> Tensor:
    """The logarithm of the volume change from the base. Shape: ``(*batch,)``."""
    points = [base]
    for each in transforms:
        points.append(each(points[-1]))
    total = base.new_zeros(())
    for each, before, after in reversed(list(zip(transforms, points, points[1:], strict=False))):
        event_dim += each.domain.event_dim - each.codomain.event_dim
        change = each.log_abs_det_jacobian(before, after)
        total = total + sum_rightmost(change, event_dim - each.domain.event_dim)
    return total
