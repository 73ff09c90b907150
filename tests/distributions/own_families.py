"""Distributions as users write them, with what is known about each from mathematics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import constraints

import virgil.distributions as dist
from virgil.distributions.torch_distribution import TorchDistribution, TorchDistributionMixin


class Ramp(TorchDistribution):
    """Density 2x / scale² on the interval up to ``scale``; says nothing of how to expand."""

    arg_constraints = {"scale": constraints.positive}
    has_rsample = True

    def __init__(self, scale, validate_args=None):
        self.scale = torch.as_tensor(scale)
        super().__init__(self.scale.shape, (), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(0.0, self.scale)

    def rsample(self, sample_shape=()):
        return self.scale * torch.rand(self.shape(sample_shape), dtype=self.scale.dtype).sqrt()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return (2 * value / self.scale.square()).log()


class Logistic(TorchDistribution):
    """Expands its own parameters."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = torch.broadcast_tensors(torch.as_tensor(loc), torch.as_tensor(scale))
        super().__init__(self.loc.shape, (), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(Logistic, _instance)
        new.loc, new.scale = self.loc.expand(batch_shape), self.scale.expand(batch_shape)
        super(Logistic, new).__init__(new.loc.shape, (), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape=torch.Size()):
        u = torch.rand(self.shape(sample_shape), dtype=self.loc.dtype).clamp(1e-7, 1 - 1e-7)
        return self.loc + self.scale * (u.log() - (-u).log1p())

    def log_prob(self, value):
        z = (value - self.loc) / self.scale
        return -z - 2 * torch.nn.functional.softplus(-z) - self.scale.log()


class Walk(TorchDistribution):
    """A Gaussian random walk of ``length`` steps: one event is a whole path."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, scale, length, validate_args=None):
        self.scale, self.length = torch.as_tensor(scale), length
        super().__init__(self.scale.shape, (length,), validate_args=validate_args)

    def rsample(self, sample_shape=()):
        noise = torch.randn(self.shape(sample_shape), dtype=self.scale.dtype)
        return self.scale.unsqueeze(-1) * noise.cumsum(-1)

    def log_prob(self, value):
        steps = torch.cat([value[..., :1], value[..., 1:] - value[..., :-1]], -1)
        return dist.Normal(torch.zeros_like(self.scale).unsqueeze(-1), self.scale.unsqueeze(-1)).log_prob(steps).sum(-1)


class Powers(TorchDistribution):
    """The probability of ``k``, below ``count``, is proportional to ``ratio ** k``."""

    arg_constraints = {"ratio": constraints.positive}
    has_enumerate_support = True

    def __init__(self, ratio, count, validate_args=None):
        self.ratio, self.count = torch.as_tensor(ratio), count
        super().__init__(self.ratio.shape, (), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.count - 1)

    @property
    def logits(self):
        logits = self.ratio.log().unsqueeze(-1) * torch.arange(self.count)
        return logits - logits.logsumexp(-1, keepdim=True)

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return td.Categorical(logits=self.logits).sample(sample_shape)

    def log_prob(self, value):
        logits = self.logits
        shape = torch.broadcast_shapes(value.shape, logits.shape[:-1])
        return logits.expand(*shape, self.count).gather(-1, value.long().expand(shape).unsqueeze(-1)).squeeze(-1)

    def enumerate_support(self, expand=True):
        values = torch.arange(self.count).reshape((-1,) + (1,) * len(self.batch_shape))
        return values.expand(-1, *self.batch_shape) if expand else values


class Flipped(dist.Bernoulli):
    """A Bernoulli variable that is reported wrongly with probability ``error``."""

    def __init__(self, probs, error, validate_args=None):
        self.error = torch.as_tensor(error)
        super().__init__(probs * (1 - self.error) + (1 - probs) * self.error, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(Flipped, _instance)
        new.error = self.error.expand(batch_shape)
        return super().expand(batch_shape, _instance=new)


class Spike(dist.Delta):
    """A point that weighs ``weight``, with expand and draws of its own."""

    def __init__(self, v, weight, validate_args=None):
        self.weight = torch.as_tensor(weight)
        super().__init__(v, log_density=self.weight.log(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(Spike, _instance)
        new.weight = self.weight.expand(batch_shape)
        return super().expand(batch_shape, _instance=new)

    def rsample(self, sample_shape=()):
        return super().rsample(sample_shape) + 0.0

    def log_prob(self, value):
        return super().log_prob(value)


class Mixed(TorchDistributionMixin, td.Gumbel):
    """One of torch's families with the mixin and nothing more."""


class Coin(dist.Distribution):
    """The least: a subclass of the abstract base, without batch or event."""

    support = constraints.boolean
    arg_constraints = {}

    def __init__(self, probs):
        self.probs = torch.as_tensor(probs)
        super().__init__()

    def sample(self, sample_shape=()):
        return torch.bernoulli(self.probs.expand(sample_shape))

    def log_prob(self, value):
        return torch.where(value > 0.5, self.probs, 1 - self.probs).log()


@dataclass(frozen=True)
class Own:
    """A family of a user's own.

    Attributes:
        make: the distribution at parameters.
        params: parameters for it, of shape (3,).
        twin: the same law from another source; ``None`` where there is none.
        cdf: of one slot, at a value and the parameters; ``None`` where the law is not continuous and of one dim.
    """

    make: Callable[..., Any]
    params: dict[str, Tensor]
    twin: Callable[..., Any]
    cdf: Callable[..., Tensor] | None = None


def _walk_twin(scale):
    covariance = torch.minimum(torch.arange(1, 5)[:, None], torch.arange(1, 5)).to(scale)
    return td.MultivariateNormal(scale.new_zeros(4), scale[..., None, None].square() * covariance)


def _powers_twin(ratio):
    return td.Categorical(probs=ratio[..., None] ** torch.arange(5))


def _logistic_twin(loc, scale):
    return td.TransformedDistribution(
        td.Uniform(torch.zeros_like(loc), 1.0),
        [td.transforms.SigmoidTransform().inv, td.transforms.AffineTransform(loc, scale)],
    )


def _ramp_twin(scale):
    return td.TransformedDistribution(
        td.Kumaraswamy(torch.full_like(scale, 2.0), 1.0), [td.transforms.AffineTransform(0.0, scale)]
    )


def _spike_twin(v, weight):
    return dist.Delta(v, weight.log())


OWN = {
    "Ramp": Own(
        Ramp,
        {"scale": torch.tensor([0.5, 1.0, 3.0])},
        _ramp_twin,
        lambda value, scale: (value / scale).square(),
    ),
    "Logistic": Own(
        Logistic,
        {"loc": torch.tensor([-1.0, 0.0, 2.0]), "scale": torch.tensor([0.5, 1.0, 2.0])},
        _logistic_twin,
        lambda value, loc, scale: ((value - loc) / scale).sigmoid(),
    ),
    "Walk": Own(lambda scale: Walk(scale, 4), {"scale": torch.tensor([0.5, 1.0, 3.0])}, _walk_twin),
    "Powers": Own(lambda ratio: Powers(ratio, 5), {"ratio": torch.tensor([0.5, 1.0, 2.0])}, _powers_twin),
    "Flipped": Own(
        Flipped,
        {"probs": torch.tensor([0.1, 0.5, 0.9]), "error": torch.tensor([0.2, 0.1, 0.3])},
        lambda probs, error: td.Bernoulli(probs + error - 2 * probs * error),
    ),
    "Spike": Own(Spike, {"v": torch.tensor([-1.0, 0.0, 2.0]), "weight": torch.tensor([0.5, 1.0, 2.0])}, _spike_twin),
    "Mixed": Own(
        Mixed,
        {"loc": torch.tensor([-1.0, 0.0, 2.0]), "scale": torch.tensor([0.5, 1.0, 2.0])},
        td.Gumbel,
        lambda value, loc, scale: (-(-(value - loc) / scale).exp()).exp(),
    ),
}
