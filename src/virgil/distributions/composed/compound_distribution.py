"""The distribution of a simulator's output, whose density is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.feasible_value import feasible_value
from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["CompoundDistribution"]


class CompoundDistribution(TorchDistributionMixin):
    """The output of ``program(noise)``, with the density that is given.

    A simulator draws, a formula scores: of a sum, a maximum or a first passage the density is often known where it is
    simplest to draw by what makes it. That the two belong together is not checked. Both hold their parameters, as
    closures or methods. Shape: batch ``(*batch,)``, event as ``support`` says.

    Args:
        program: a function of noise, of which all dims left of one output's are batch dims that it treats alike.
            Shape: ``(*sample, *batch, *noise_event)`` to ``(*sample, *batch, *event)``.
        log_prob: the log-density of an output, nats. Shape: ``(*sample, *batch, *event)`` to ``(*sample, *batch)``.
        noise: the distribution of the noise. Its batch shape broadcasts to that of the output.
        support: the set in which outputs lie; its ``event_dim`` says how many rightmost dims are one event.
        has_rsample: whether the program passes derivatives from its parameters to its output. By default it does if
            ``noise`` does and the support is not discrete.

    Raises:
        ArgumentError: the support depends on values that it does not know.
        ShapeError: an output has fewer dims than an event, or the noise's batch is larger than the output's.

    The larger of two exponential times, whose distribution function is the product of theirs:

    >>> import virgil.distributions as dist
    >>> rate = torch.tensor(2.0)
    >>> fn = CompoundDistribution(
    ...     lambda noise: noise.amax(-1) / rate,
    ...     lambda x: (2 * rate).log() - rate * x + torch.log1p(-(-rate * x).exp()),
    ...     noise=dist.Exponential(torch.ones(2)).to_event(1),
    ...     support=constraints.positive,
    ... )
    >>> fn.rsample((4,)).shape, fn.log_prob(torch.tensor(1.0))
    (torch.Size([4]), tensor(-0.7591))
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(
        self,
        program: Callable[[Tensor], Tensor],
        log_prob: Callable[[Tensor], Tensor],
        noise: td.Distribution,
        *,
        support: Any = constraints.real,
        has_rsample: bool | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if constraints.is_dependent(support):
            raise ArgumentError(
                f"CompoundDistribution got the support {support!r}, which depends on values that it does not know; "
                "pass a constraint with its bounds."
            )
        shape = _output_shape(program, noise)
        batch_dim = len(shape) - support.event_dim
        if batch_dim < 0:
            raise ShapeError(
                f"CompoundDistribution has a program that returns the shape {tuple(shape)}, and a support {support!r} "
                f"whose events have {support.event_dim} dims. Let the program return whole events."
            )
        batch_shape = shape[:batch_dim]
        if broadcast_shapes(batch_shape, noise.batch_shape) != batch_shape:
            raise ShapeError(
                f"CompoundDistribution has noise of batch_shape {tuple(noise.batch_shape)}, and a program that makes "
                f"the batch {tuple(batch_shape)} of it. Call to_event on noise of which one output is made."
            )
        self.program, self._log_prob, self._support = program, log_prob, support
        self.noise = noise if noise.batch_shape == batch_shape else expanded(noise, batch_shape)
        self.has_rsample = noise.has_rsample and not support.is_discrete if has_rsample is None else has_rsample
        super().__init__(batch_shape, shape[batch_dim:], validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(CompoundDistribution, _instance)
        new.program, new._log_prob, new._support = self.program, self._log_prob, self._support
        new.noise, new.has_rsample = expanded(self.noise, batch_shape), self.has_rsample
        super(CompoundDistribution, new).__init__(Size(batch_shape), self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        return self._support

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self.program(self.noise.sample(sample_shape))

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        draw = self.noise.rsample if self.noise.has_rsample else self.noise.sample
        return self.program(draw(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        shape = broadcast_shapes(self._batch_shape, value.shape[: value.dim() - len(self._event_shape)])
        return self._log_prob(value).expand(shape)


def _output_shape(program: Callable[[Tensor], Tensor], noise: td.Distribution) -> Size:
    """The shape of an output, of a value of the noise that is not drawn."""
    support: Any = noise.support
    with torch.no_grad():
        return program(feasible_value(support, noise.batch_shape + noise.event_shape)).shape
