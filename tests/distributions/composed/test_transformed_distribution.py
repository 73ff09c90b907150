"""The support of a transformed distribution is where its values lie."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.distributions.transforms import AffineTransform, ComposeTransform, ExpTransform, SigmoidTransform
from virgil.infer.autoguide import AutoNormal

MINUS, TWO = torch.tensor([-1.0, 1.0]), torch.tensor([2.0, -3.0])

# base, transforms, the bounds of the image
IMAGES = {
    "an interval": (dist.Beta(2.0, 1.0), AffineTransform(-1.0, 2.0), -1.0, 1.0),
    "turned round": (dist.Beta(2.0, 1.0), AffineTransform(4.0, -2.0), 2.0, 4.0),
    "by tensors": (dist.Beta(torch.ones(2), 1.0), AffineTransform(MINUS, TWO), [-1.0, -2.0], [1.0, 1.0]),
    "events": (dist.Beta(torch.ones(2), 1.0).to_event(1), AffineTransform(1.0, 2.0), 1.0, 3.0),
    "after another map": (dist.Normal(0.0, 1.0), [SigmoidTransform(), AffineTransform(0.0, 5.0)], 0.0, 5.0),
    "two, composed": (
        dist.Uniform(1.0, 2.0),
        ComposeTransform([AffineTransform(1.0, 2.0), AffineTransform(0.0, -1.0)]),
        -5.0,
        -3.0,
    ),
    "a half-line": (dist.Exponential(1.0), AffineTransform(3.0, 2.0), 3.0, None),
    "an open one": (dist.Normal(0.0, 1.0), [ExpTransform(), AffineTransform(-1.0, 1.0)], -1.0, None),
    "a half-line, turned round": (dist.Exponential(1.0), AffineTransform(3.0, -2.0), None, 3.0),
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_affine_image_has_its_bounds(name):
    base, transforms, lower, upper = IMAGES[name]
    fn = dist.TransformedDistribution(base, transforms)
    for each in (fn, fn.expand((3, *fn.batch_shape))):
        support = each.support
        while isinstance(support, dist.constraints.independent):
            support = support.base_constraint
        if lower is None:
            assert not hasattr(support, "lower_bound")
        else:
            assert (torch.as_tensor(support.lower_bound) == torch.tensor(lower)).all()
        if upper is None:
            assert not hasattr(support, "upper_bound")
        else:
            assert (torch.as_tensor(support.upper_bound) == torch.tensor(upper)).all()
        values = each.sample((200,))
        assert each.support.event_dim == len(each.event_shape)
        assert each.support.check(values).all()
        assert each.log_prob(values).isfinite().all()


@pytest.mark.parametrize(
    ("base", "transform"),
    [
        (dist.Normal(0.0, 1.0), AffineTransform(1.0, 2.0)),
        (dist.HalfNormal(1.0), AffineTransform(1.0, torch.tensor(2.0))),
    ],
)
def test_other_images_are_the_codomain(base, transform):
    assert dist.TransformedDistribution(base, transform).support is dist.constraints.real


def test_a_guide_stays_in_the_image():
    def model():
        virgil.sample("rho", dist.TransformedDistribution(dist.Beta(2.0, 2.0), AffineTransform(-1.0, 2.0)))

    guide = AutoNormal(model, init_scale=3.0)
    assert all(abs(guide()["rho"]) <= 1 for _ in range(50))
