"""The ``expand`` that families share: what it copies, and the subclasses that it refuses."""

import pytest
import torch
from torch import distributions as td

import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.distributions.core.expand_methods import expand_as_torch, expand_parameters


@expand_parameters
class Weighted(dist.TorchDistributionMixin):
    """A vector among parameters of single numbers."""

    arg_constraints = {"weights": constraints.simplex, "scale": constraints.positive}
    support = constraints.real_vector

    def __init__(self, weights, scale, validate_args=None):
        self.weights, self.scale = weights, scale
        super().__init__(scale.shape, weights.shape[-1:], validate_args=validate_args)


@expand_as_torch
class Shifted(dist.TorchDistributionMixin, td.Gumbel):
    """A constructor of its own that sets the attributes of torch's."""

    def __init__(self, loc, validate_args=None):
        super().__init__(loc + 1.0, 2.0, validate_args)


class Named(Shifted):
    """Without a constructor."""


def test_every_parameter_is_expanded_by_its_own_event():
    fn = Weighted(torch.tensor([[0.2, 0.8], [0.5, 0.5]]), torch.tensor([1.0, 2.0]), validate_args=False)
    wide = fn.expand((3, 2))
    assert type(wide) is Weighted
    assert (wide.batch_shape, wide.event_shape) == ((3, 2), (2,))
    assert torch.equal(wide.weights, fn.weights.expand(3, 2, 2))
    assert torch.equal(wide.scale, fn.scale.expand(3, 2))
    assert wide._validate_args is False


def test_a_class_has_its_parameters_too():
    assert dist.BetaBinomial.concentration0.constraint is constraints.positive
    assert (dist.GammaPoisson.rate.name, dist.DirichletMultinomial.concentration.name) == ("rate", "concentration")
    with pytest.raises(AttributeError, match="GammaPoisson has no rate yet; its constructor sets it"):
        _ = dist.GammaPoisson.__new__(dist.GammaPoisson).rate


@pytest.mark.parametrize("family", [Shifted, Named])
def test_torchs_expand_serves_a_constructor_of_ones_own(family):
    wide = family(torch.tensor([0.0, 1.0])).expand((4, 2))
    assert type(wide) is family
    torch.testing.assert_close(wide.mean, td.Gumbel(torch.tensor([1.0, 2.0]), 2.0).mean.expand(4, 2))
    assert torch.equal(
        wide.log_prob(torch.zeros(2)), td.Gumbel(torch.tensor([1.0, 2.0]), 2.0).log_prob(torch.zeros(4, 2))
    )


@pytest.mark.parametrize("base", [Weighted, Shifted, dist.Beta, dist.GammaPoisson])
def test_a_subclass_with_a_constructor_is_refused(base):
    class Own(base):
        def __init__(self):
            super().__init__(torch.ones(2), torch.ones(2), validate_args=False)
            self.note = "would be missing in a copy"

    class OwnShifted(Shifted):
        def __init__(self):
            super().__init__(torch.ones(2))

    with pytest.raises(NotImplementedError, match=f"of {base.__name__} that defines a custom __init__ method"):
        (OwnShifted if base is Shifted else Own)().expand((3, 2))
