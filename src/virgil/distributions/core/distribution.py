"""The abstract base of all of Virgil's distributions."""

from __future__ import annotations

import copy
from typing import Any, Self, cast

from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.core.conjugate_updates import NoConjugateUpdateError
from virgil.distributions.core.score_parts import ScoreParts, own_score_parts
from virgil.errors import ArgumentError, shown
from virgil.ops.sizes import Sizes

__all__ = ["Distribution", "with_has_rsample"]


class _NoShapeError(ArgumentError, AttributeError):
    """Also an AttributeError, which ``hasattr`` and ``getattr`` with a default expect of what is not there."""


class Distribution(td.Distribution):
    """Abstract base of all of Virgil's distributions, for ``isinstance`` and annotations."""

    def __call__(self, sample_shape: Sizes = Size()) -> Tensor:
        """A draw, with a pathwise derivative where the family has one. Shape: (*sample_shape, *batch, *event)."""
        sample_shape = Size(sample_shape)  # as torch's own methods pass it to each other
        return self.rsample(sample_shape) if self.has_rsample else self.sample(sample_shape)

    def has_rsample_(self, value: bool) -> Self:
        """This distribution, its draws with or without a pathwise derivative, whatever its family has.

        Without one, gradients take the score function: for a variable that decides which branch a program takes. What
        wraps another distribution sets it on a copy of that one.

        Raises:
            ArgumentError: neither true nor false.

        >>> import virgil.distributions as dist
        >>> dist.Normal(0.0, 1.0).has_rsample_(False).expand((3,)).has_rsample
        False
        """
        if value not in (False, True):
            raise ArgumentError(f"has_rsample_ of {type(self).__name__} got {shown(value)}; it takes True or False.")
        if isinstance(getattr(type(self), "has_rsample", None), property):
            outer: Any = self
            outer.base_dist = with_has_rsample(outer.base_dist, value)
        else:
            self.has_rsample = value
        return self

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Self:
        new: Self = super()._get_checked_instance(cls, _instance)
        if "has_rsample" in self.__dict__:
            new.has_rsample = self.has_rsample
        return new

    def score_parts(self, x: Tensor, *args: Any, **kwargs: Any) -> ScoreParts:
        """The parts of the log-density at ``x`` that an estimator of the bound's gradient takes."""
        return own_score_parts(self, x, *args, **kwargs)

    def conjugate_update(self, other: td.Distribution) -> tuple[td.Distribution, Tensor]:
        """The product of this density and another one, as a density and the logarithm of its normaliser.

        ``f.log_prob(x) + g.log_prob(x) == product.log_prob(x) + log_normalizer`` for every x. Here f is a prior and g
        a likelihood, normalised over the latent variable x. `Beta`, `Dirichlet`, `Gamma` and `Normal` have it.

        Returns:
            the product, and the logarithm of its normaliser. Shape: ``(*batch,)``.

        Raises:
            ArgumentError: the family has no such product, or the other one is of another family.
        """
        raise NoConjugateUpdateError(
            f"{type(self).__name__} has no conjugate_update; Beta, Dirichlet, Gamma and Normal have one. State the "
            "likelihood as a site of its own."
        )

    def __getattr__(self, name: str) -> Any:
        if name in ("_batch_shape", "_event_shape"):
            raise _NoShapeError(
                f"{type(self).__name__} has no batch_shape and event_shape. Call "
                "super().__init__(batch_shape, event_shape, validate_args=validate_args) in its __init__."
            )
        following = getattr(super(), "__getattr__", None)  # that of nn.Module, where the class is one as well
        if following is not None:
            return following(name)
        return super().__getattribute__(name)  # raises what it raised before

    def __repr__(self) -> str:
        try:
            return super().__repr__()
        except NotImplementedError:  # one of a user's own, without arg_constraints
            return f"{type(self).__name__}()"


def with_has_rsample(fn: td.Distribution, value: bool) -> td.Distribution:
    """A copy of a distribution whose draws have a pathwise derivative or not."""
    new: Any = copy.copy(fn)
    if isinstance(new, Distribution):
        new.has_rsample_(value)
    elif isinstance(getattr(type(new), "has_rsample", None), property):  # torch's own, around another one
        new.base_dist = with_has_rsample(new.base_dist, value)
    else:
        new.has_rsample = value
    return cast(td.Distribution, new)
