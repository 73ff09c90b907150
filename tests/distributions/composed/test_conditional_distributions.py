"""Distributions and maps that depend on a context."""

import copy

import pytest
import torch
from torch import nn

import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.distributions.transforms import (
    AffineTransform,
    ComposeTransformModule,
    ConditionalComposeTransformModule,
    ConditionalTransform,
    ConditionalTransformModule,
    ConstantConditionalTransform,
    ExpTransform,
    TransformModule,
)


class Shift(ConditionalTransformModule):
    domain = codomain = constraints.real

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def condition(self, context):
        return AffineTransform(self.weight * context, 1.0, cache_size=1)


class Stretch(TransformModule):
    domain = codomain = constraints.real
    bijective = True

    def __init__(self):
        super().__init__(cache_size=1)
        self.log_factor = nn.Parameter(torch.tensor(0.5))

    def _call(self, x):
        return x * self.log_factor.exp()

    def _inverse(self, y):
        return y * (-self.log_factor).exp()

    def log_abs_det_jacobian(self, x, y):
        return self.log_factor.expand(x.shape)


class ShiftedNormal(dist.ConditionalDistribution):
    def condition(self, context):
        return dist.Normal(context, 1.0)


CONTEXT = torch.tensor([0.3, -1.0, 2.0])


def test_a_conditional_distribution_is_the_image_at_each_context():
    conditional = dist.ConditionalTransformedDistribution(dist.Normal(0.0, 1.0), [Shift(), ExpTransform()])
    value = torch.tensor([0.5, 1.0, 2.0])
    expected = dist.LogNormal(2 * CONTEXT, 1.0).log_prob(value)
    torch.testing.assert_close(conditional.condition(CONTEXT).log_prob(value), expected)


def test_the_base_may_be_conditional_too_and_one_map_needs_no_list():
    conditional = dist.ConditionalTransformedDistribution(ShiftedNormal(), Shift())
    expected = dist.Normal(3 * CONTEXT, 1.0).log_prob(torch.zeros(3))
    torch.testing.assert_close(conditional.condition(CONTEXT).log_prob(torch.zeros(3)), expected)


def test_what_depends_on_no_context_is_the_same_at_each():
    normal, exp = dist.Normal(0.0, 1.0), ExpTransform()
    assert dist.ConstantConditionalDistribution(normal).condition(CONTEXT) is normal
    assert ConstantConditionalTransform(exp).condition(CONTEXT) is exp


def test_a_family_of_maps_without_condition_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        ConditionalTransform()
    with pytest.raises(TypeError, match="abstract"):
        dist.ConditionalDistribution()


def test_the_inverse_of_a_family_of_maps_has_its_parameters():
    shift = Shift()
    assert shift.inv.inv is shift
    assert list(shift.inv.parameters()) == [shift.weight]
    torch.testing.assert_close(shift.inv.condition(CONTEXT)(torch.zeros(3)), -2 * CONTEXT)


def test_a_composition_registers_the_parts_that_have_parameters():
    stretch, shift = Stretch(), Shift()
    flow = ConditionalComposeTransformModule([stretch, ExpTransform(), shift])
    assert list(flow.state_dict()) == ["0.log_factor", "1.weight"]
    at = flow.condition(CONTEXT)
    assert isinstance(at, ComposeTransformModule)
    torch.testing.assert_close(at(torch.ones(3)), torch.tensor(0.5).exp().exp() + 2 * CONTEXT)


def test_a_composition_keeps_the_last_draw_where_asked():
    at = ConditionalComposeTransformModule([Shift(), ExpTransform()], cache_size=1).condition(CONTEXT)
    x = torch.ones(3)
    assert at.inv(at(x)) is x


def test_a_cache_that_is_cleared_gives_the_inverse_at_the_parameters_of_today():
    stretch = Stretch()
    fn = dist.TransformedDistribution(dist.Normal(torch.zeros(3), 1.0), [stretch, ExpTransform(cache_size=1).inv.inv])
    draw = fn.rsample()
    with torch.no_grad():
        stretch.log_factor.zero_()
    expected = dist.LogNormal(0.0, 1.0).log_prob(draw)
    assert not torch.allclose(fn.log_prob(draw), expected)
    fn.clear_cache()
    torch.testing.assert_close(fn.log_prob(draw), expected)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda stretch: stretch.inv,
        lambda stretch: ComposeTransformModule([stretch]),
        lambda stretch: ComposeTransformModule([stretch]).inv,
        lambda stretch: dist.transforms.IndependentTransform(stretch, 1, cache_size=1),
        lambda stretch: dist.transforms.StackTransform([stretch], cache_size=1),
    ],
    ids=["inverse", "composition", "its inverse", "independent", "stacked"],
)
def test_a_cache_is_cleared_inside_of_other_maps(wrapped):
    stretch = Stretch()
    stretch(torch.ones(3))
    dist.transforms.cache.clear_cache(wrapped(stretch))
    assert stretch._cached_x_y == (None, None)


def test_a_conditional_distribution_clears_the_maps_without_context():
    stretch = Stretch()
    conditional = dist.ConditionalTransformedDistribution(dist.Normal(0.0, 1.0), [Shift(), stretch])
    stretch(torch.ones(3))
    conditional.clear_cache()
    assert stretch._cached_x_y == (None, None)


def test_another_size_of_cache_has_the_same_parameters():
    stretch = Stretch()
    x = torch.ones(3)
    y = stretch(x)
    other = stretch.with_cache(0)
    assert other.log_factor is stretch.log_factor
    assert stretch.with_cache(1) is stretch
    assert stretch.inv(y) is x
    assert other.inv(y) is not x


def test_a_map_that_keeps_a_draw_can_be_copied():
    stretch = Stretch()
    stretch(torch.ones(3))
    assert copy.deepcopy(stretch)._cached_x_y == (None, None)
