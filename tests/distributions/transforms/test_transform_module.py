"""Maps that are modules."""

import torch
from torch import nn

import virgil.distributions as dist
from virgil.distributions import constraints, transforms
from virgil.distributions.transforms import ComposeTransformModule, ExpTransform, TransformModule


class Stretch(TransformModule):
    domain = codomain = constraints.real
    bijective = True
    sign = +1

    def __init__(self):
        super().__init__(cache_size=1)
        self.log_factor = nn.Parameter(torch.tensor(0.5))

    def _call(self, x):
        return x * self.log_factor.exp()

    def _inverse(self, y):
        return y * (-self.log_factor).exp()

    def log_abs_det_jacobian(self, x, y):
        return self.log_factor.expand(x.shape)


def test_a_map_with_parameters_is_a_module_and_a_map():
    stretch = Stretch()
    assert isinstance(stretch, transforms.Transform)
    assert dict(stretch.named_parameters()).keys() == {"log_factor"}
    x = torch.tensor([1.0, -2.0])
    y = stretch(x)
    torch.testing.assert_close(stretch.inv(y), x)
    assert nn.Sequential(stretch).state_dict().keys() == {"0.log_factor"}
    assert len({stretch, Stretch()}) == 2


def test_a_composition_registers_the_parts_that_have_parameters():
    first, second = Stretch(), Stretch()
    both = ComposeTransformModule([first, ExpTransform(), second])
    assert len(list(both.parameters())) == 2
    x = torch.tensor([0.3, -1.0])
    y = both(x)
    torch.testing.assert_close(y, second(first(x).exp()))
    torch.testing.assert_close(both.inv(y), x)
    slopes = torch.autograd.functional.jacobian(both, x).diagonal().abs().log()
    torch.testing.assert_close(both.log_abs_det_jacobian(x, y), slopes)
    cached = both.with_cache()
    assert type(cached) is ComposeTransformModule
    assert len(list(cached.parameters())) == 2
    assert both.with_cache(0) is both


def test_a_distribution_learns_their_parameters():
    both = ComposeTransformModule([Stretch(), Stretch()])
    fn = dist.TransformedDistribution(dist.Normal(torch.zeros(2), 1.0), [both])
    fn.log_prob(torch.ones(2)).sum().backward()
    assert all(each.grad.isfinite() for each in both.parameters())
