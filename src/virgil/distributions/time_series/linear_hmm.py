"""The linear state-space model with noise of any kind."""

from __future__ import annotations

from typing import Any, NoReturn

from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.transforms import ComposeTransform, Transform

from virgil.distributions.core.shape_algebra import Independent
from virgil.distributions.time_series.state_space.linear_state_space import LinearStateSpace
from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes

__all__ = ["LinearHMM"]


class _NoDensityError(ArgumentError, NotImplementedError):
    """Also a NotImplementedError, by which programs learn that a family has no density."""


class LinearHMM(LinearStateSpace):
    r"""A series of vectors observed through a hidden linear chain, with noise of any kind.

    .. math:: z_t = z_{t-1} F_t + q_t \qquad x_t = f(z_t H_t + r_t) \qquad t = 1, \dots, T

    Vectors are rows. The state :math:`z_0` comes before the first observation. Noise may be normal, of `StudentT`,
    `Stable` or another family. The map f is that of ``observation_dist`` where it is one of the kind of
    `TransformedDistribution`, such as `LogNormal`. Draws take a number of rounds that is the logarithm of the length
    and have a pathwise derivative. There is no ``log_prob``: ``infer.reparam.LinearHMMReparam`` makes a
    `GaussianHMM` of it, given further variables. Shape: event ``(steps, obs_dim)``.

    Args:
        initial_dist: of :math:`z_0`. Shape: batch ``(*batch,)``, event ``(hidden_dim,)``.
        transition_matrix: :math:`F`. Shape: ``(*batch, steps or 1, hidden_dim, hidden_dim)``.
        transition_dist: of :math:`q`. Shape: batch ``(*batch, steps or 1)``, event ``(hidden_dim,)``.
        observation_matrix: :math:`H`. Shape: ``(*batch, steps or 1, hidden_dim, obs_dim)``.
        observation_dist: of :math:`r`, and then f. Shape: batch ``(*batch, steps or 1)``, event ``(obs_dim,)``.
        duration: the number of steps, where none of the others has it.

    Attributes:
        observation_dist: that of :math:`r` alone.
        transforms: the maps that make up f, first to last.

    Raises:
        ShapeError: shapes that do not fit together.
    """

    has_rsample = True

    def __init__(
        self,
        initial_dist: td.Distribution,
        transition_matrix: Tensor,
        transition_dist: td.Distribution,
        observation_matrix: Tensor,
        observation_dist: td.Distribution,
        validate_args: bool | None = None,
        duration: int | None = None,
    ) -> None:
        base, transforms = _taken_apart(observation_dist)
        self.transforms = transforms
        super().__init__(
            initial_dist,
            transition_matrix,
            transition_dist,
            observation_matrix,
            base,
            validate_args=validate_args,
            duration=duration,
        )

    @constraints.dependent_property(event_dim=2)
    def support(self) -> constraints.Constraint:
        """The image of the last map, step by step."""
        if not self.transforms:
            return constraints.independent(constraints.real, 2)
        codomain = self.transforms[-1].codomain
        return constraints.independent(codomain, 2 - codomain.event_dim)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> LinearHMM:
        """The same model for a larger batch."""
        return self._copied(self._get_checked_instance(LinearHMM, _instance), batch_shape, self.duration)

    def log_prob(self, value: Tensor) -> NoReturn:
        """Raise, as there is no closed form.

        Raises:
            ArgumentError: always.
        """
        raise _NoDensityError(
            "LinearHMM has no log_prob: its states have no closed form unless all noise is normal. Rewrite the site by "
            "infer.reparam.LinearHMMReparam, or use GaussianHMM where the noise is normal."
        )

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Series, with a pathwise derivative. Shape: ``(*sample_shape, *batch, steps, obs_dim)``.

        Raises:
            ArgumentError: the number of steps is not known.
        """
        value = self._observations(self._noise(sample_shape))
        for transform in self.transforms:
            value = transform(value)
        return value


def _taken_apart(fn: td.Distribution) -> tuple[td.Distribution, list[Transform]]:
    """A distribution before maps, and the maps."""
    if isinstance(fn, td.Independent) and isinstance(fn.base_dist, td.TransformedDistribution):
        inner = fn.base_dist
        if len(inner.event_shape) == len(inner.base_dist.event_shape):
            base, transforms = _taken_apart(inner)
            return Independent(base, fn.reinterpreted_batch_ndims), transforms
    if not isinstance(fn, td.TransformedDistribution):
        return fn, []
    base, first = _taken_apart(fn.base_dist)
    return base, [*first, *_parts(fn.transforms)]


def _parts(transforms: list[Transform]) -> list[Transform]:
    parts: list[Transform] = []
    for each in transforms:
        parts += _parts(each.parts) if isinstance(each, ComposeTransform) else [each]
    return parts
