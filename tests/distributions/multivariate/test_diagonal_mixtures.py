"""Mixtures of normals with independent entries: their densities, and unbiased pathwise derivatives.

Means are compared with five standard errors of the mean of `COUNT` draws; 60 comparisons fail by chance with
probability 4e-5. Seeds are fixed.
"""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError

COUNT = 4000
LOCS = torch.tensor([[0.5, -1.0, 0.3], [-2.0, 0.5, 1.0]], dtype=torch.double)
LOGITS = torch.tensor([0.4, -0.3], dtype=torch.double)
SCALES = torch.tensor([[0.5, 1.0, 0.7], [1.2, 0.4, 0.8]], dtype=torch.double)
ROWS = {
    "MixtureOfDiagNormals": {"locs": LOCS, "coord_scale": SCALES, "component_logits": LOGITS},
    "MixtureOfDiagNormalsSharedCovariance": {"locs": LOCS, "coord_scale": SCALES[0], "component_logits": LOGITS},
    "GaussianScaleMixture": {
        "coord_scale": SCALES[0],
        "component_logits": LOGITS,
        "component_scale": torch.tensor([0.6, 1.7], dtype=torch.double),
    },
}
table = pytest.mark.parametrize("name", ROWS)


def components(name, coord_scale, locs=None, component_scale=None, **_):
    """Means and standard deviations of the components."""
    if name == "GaussianScaleMixture":
        scales = component_scale[..., None] * coord_scale
        return torch.zeros_like(scales), scales
    return locs, coord_scale.expand(locs.shape)


@table
def test_the_density_is_that_of_the_mixture_of_components(name):
    torch.manual_seed(0)
    fn = getattr(dist, name)(**ROWS[name])
    parts = dist.Normal(*components(name, **ROWS[name])).to_event(1)
    mixture = dist.MixtureSameFamily(dist.Categorical(logits=LOGITS), parts)
    x = fn.sample((20,))
    torch.testing.assert_close(fn.log_prob(x), mixture.log_prob(x))
    torch.testing.assert_close(fn.mean, mixture.mean)
    torch.testing.assert_close(fn.variance, mixture.variance)


@table
def test_gradients_of_means_of_products_are_those_of_the_closed_form(name):
    """Of x0 x1 + x1^2 x2, whose mean in one component follows from the means and variances of entries."""
    torch.manual_seed(20240611)
    params = {key: value.clone().requires_grad_() for key, value in ROWS[name].items()}
    m, s = components(name, **params)
    means = m[:, 0] * m[:, 1] + (m[:, 1].square() + s[:, 1].square()) * m[:, 2]
    exact = torch.autograd.grad((torch.softmax(params["component_logits"], -1) * means).sum(), params.values())
    many = {key: value.expand(COUNT, *value.shape).clone().requires_grad_() for key, value in ROWS[name].items()}
    x = getattr(dist, name)(**many).rsample()
    found = torch.autograd.grad((x[:, 0] * x[:, 1] + x[:, 1].square() * x[:, 2]).sum(), many.values())
    for ours, theirs in zip(found, exact, strict=True):
        assert ((ours.mean(0) - theirs).abs() <= 5 * ours.std(0) / COUNT**0.5 + 1e-12).all()


def test_in_one_dimension_a_draw_moves_with_its_quantile():
    """dx / dlogit = -(dF / dlogit) / q, far in either tail too."""
    torch.manual_seed(1)
    logits = LOGITS.clone().requires_grad_()
    fn = dist.MixtureOfDiagNormals(LOCS[:, :1], SCALES[:, :1], logits.expand(1000, 2))
    x = fn.rsample()
    (found,) = torch.autograd.grad(x.sum(), logits)
    value = x.detach()
    below = dist.Normal(LOCS[:, 0], SCALES[:, 0]).cdf(value)
    density = fn.log_prob(value).exp().detach().unsqueeze(-1)
    of_cdf = torch.autograd.grad((torch.softmax(logits, -1) * below / density).sum(), logits)
    torch.testing.assert_close(found, -of_cdf[0], rtol=1e-6, atol=1e-6)


def test_sizes_that_differ_are_refused():
    with pytest.raises(ShapeError, match=r"shapes \(2, 3\), \(3,\), \(2,\); it takes"):
        dist.MixtureOfDiagNormals(LOCS, SCALES[0], LOGITS)
    with pytest.raises(ShapeError, match=r"shapes \(2, 3\), \(2,\), \(2,\); it takes"):
        dist.MixtureOfDiagNormalsSharedCovariance(LOCS, LOGITS, LOGITS)
    with pytest.raises(ShapeError, match=r"shapes \(3,\), \(2,\), \(3,\); it takes"):
        dist.GaussianScaleMixture(SCALES[0], LOGITS, SCALES[0])
