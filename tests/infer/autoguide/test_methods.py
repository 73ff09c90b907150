"""What can be asked of each guide: right where the posterior is known, or refused with the reason.

The model is two normals whose posterior is known; each guide is that posterior.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.contrib.easyguide import EasyGuide
from virgil.distributions.transforms import AffineTransform
from virgil.errors import ArgumentError
from virgil.infer import Trace_ELBO
from virgil.infer.autoguide import (
    AutoBatchedMultivariateNormal,
    AutoDAIS,
    AutoDelta,
    AutoDiagonalNormal,
    AutoGaussian,
    AutoGuide,
    AutoGuideList,
    AutoHierarchicalNormalMessenger,
    AutoIAFNormal,
    AutoLaplaceApproximation,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoNormal,
    AutoNormalizingFlow,
    AutoNormalMessenger,
    AutoPartialNonCentered,
    AutoRegressiveMessenger,
    AutoStructured,
)

DATA = torch.tensor([1.0, -2.0])
MEAN, SPREAD = 0.8 * DATA, 0.2**0.5
EVIDENCE = dist.Normal(0.0, 1.25**0.5).log_prob(DATA).sum()
PROBS = (0.1, 0.5, 0.9)
UP_TO_DRAWS = 0.05  # four standard errors of a quantile at 0.1 of 4096 draws, whose seed is fixed


def model():
    x = virgil.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    virgil.sample("y", dist.Normal(x, 0.5).to_event(1), obs=DATA)


def slots():
    with virgil.plate("slots", 2):
        x = virgil.sample("x", dist.Normal(0.0, 1.0))
        virgil.sample("y", dist.Normal(x, 0.5), obs=DATA)


class ByGroup(EasyGuide):
    def guide(self) -> dict[str, torch.Tensor]:
        _, values = self.group().sample("all", dist.Normal(MEAN, SPREAD).to_event(1))
        return values


def parts(made: Callable[..., Any]) -> AutoGuide:
    return AutoGuideList(made).append(AutoNormal(made, init_loc_fn=at_the_mean, init_scale=SPREAD))


def at_the_mean(site: Any) -> torch.Tensor:
    return MEAN


AT = {"init_loc_fn": at_the_mean}
EXACT = {**AT, "init_scale": SPREAD}
# the prior's own scale is 1 and its mean 0, so that relative scales and weights are absolute ones here
GUIDES: dict[str, Callable[[], AutoGuide]] = {
    "AutoNormal": lambda: AutoNormal(model, **EXACT),
    "AutoDiagonalNormal": lambda: AutoDiagonalNormal(model, **EXACT),
    "AutoMultivariateNormal": lambda: AutoMultivariateNormal(model, **EXACT),
    "AutoLowRankMultivariateNormal": lambda: AutoLowRankMultivariateNormal(model, **EXACT, rank=1),
    "AutoLaplaceApproximation": lambda: AutoLaplaceApproximation(model, **AT),
    "AutoNormalizingFlow": lambda: AutoNormalizingFlow(model, lambda dim: AffineTransform(MEAN, SPREAD, event_dim=1)),
    "AutoStructured": lambda: AutoStructured(model, **EXACT),
    "AutoGaussian": lambda: AutoGaussian(model, **EXACT),
    "AutoDAIS": lambda: AutoDAIS(model, 1, **EXACT, init_step_size=1e-4),
    "AutoNormalMessenger": lambda: AutoNormalMessenger(model, **EXACT),
    "AutoHierarchicalNormalMessenger": lambda: AutoHierarchicalNormalMessenger(model, **EXACT),
    "AutoRegressiveMessenger": lambda: regressive(),
    "AutoPartialNonCentered": lambda: AutoPartialNonCentered(model, **EXACT),
    "AutoGuideList": lambda: parts(model),
    "AutoDelta": lambda: AutoDelta(model, **AT),
    "AutoIAFNormal": lambda: autoregressive(),
    "AutoBatchedMultivariateNormal": lambda: AutoBatchedMultivariateNormal(slots, **EXACT),
    "EasyGuide": lambda: ByGroup(model),
}
MODELS = {"AutoBatchedMultivariateNormal": slots}  # the others' is model
BY_DRAWS_ALONE = {"AutoDelta", "EasyGuide"}
POINTS = {"AutoDelta", "AutoLaplaceApproximation"}
LOW_RANK = "AutoLowRankMultivariateNormal"  # its initial covariance is near the one asked for, not equal
VECTORS = {"AutoDiagonalNormal", "AutoMultivariateNormal", "AutoNormalizingFlow", "AutoIAFNormal"}


def regressive() -> AutoGuide:
    guide = AutoRegressiveMessenger(model, **EXACT)
    guide()
    with torch.no_grad():
        guide.locs._parameters["x"].copy_(MEAN)
    return guide


def autoregressive() -> AutoGuide:
    guide = AutoIAFNormal(model)
    guide()
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter.zero_()
        guide.transform[0].arn.layers[-1].bias.copy_(torch.cat([MEAN, torch.full((2,), SPREAD).log()]))
    return guide


each_guide = pytest.mark.parametrize("name", GUIDES)
each_vector = pytest.mark.parametrize("name", sorted(VECTORS))


@pytest.mark.parametrize("name", [name for name in GUIDES if name not in POINTS | {LOW_RANK}])
def test_the_bound_is_the_evidence_in_each_draw(name):
    guide = GUIDES[name]()
    for _ in range(3):
        loss = Trace_ELBO().differentiable_loss(MODELS.get(name, model), guide)
        torch.testing.assert_close(-loss, EVIDENCE, rtol=0.0, atol=2e-3 if name == "AutoDAIS" else 1e-5)


@each_guide
def test_the_median(name):
    guide = GUIDES[name]()
    if name == "EasyGuide":
        with pytest.raises(NotImplementedError, match="ByGroup has no median"):
            guide.median()
        return
    torch.testing.assert_close(guide.median()["x"], MEAN, rtol=0.0, atol=UP_TO_DRAWS)


@each_guide
def test_quantiles(name):
    guide = GUIDES[name]()
    if name in BY_DRAWS_ALONE:
        with pytest.raises(NotImplementedError, match=r"has no quantiles\(\). Take those of draws"):
            guide.quantiles(PROBS)
        return
    spread = torch.tensor(0.0 if name in POINTS else SPREAD)
    if name == LOW_RANK:
        spread = guide.get_posterior().variance.detach().sqrt()
    expected = MEAN + spread * torch.special.ndtri(torch.tensor(PROBS)).unsqueeze(-1)
    torch.testing.assert_close(guide.quantiles(PROBS)["x"], expected, rtol=0.0, atol=UP_TO_DRAWS)
    with pytest.raises(ArgumentError, match="takes a list of probabilities"):
        guide.quantiles([1.5])


@each_guide
def test_a_draw_of_the_posterior_has_no_gradient_and_is_seen_by_nobody(name):
    guide = GUIDES[name]()
    with poutine.trace() as tracer:
        drawn = guide.sample_posterior()
    assert not tracer.trace.nodes
    assert drawn["x"].shape == (2,)
    assert not drawn["x"].requires_grad


@each_vector
def test_the_vector(name):
    """``get_posterior``, its log-density, and the map from the base that makes it."""
    guide, point = GUIDES[name](), torch.tensor([0.3, -0.4])
    exact = dist.Normal(MEAN, SPREAD).to_event(1).log_prob(point)
    torch.testing.assert_close(guide.get_posterior().log_prob(point), exact)
    image = dist.TransformedDistribution(guide.get_base_dist(), [guide.get_transform()])
    torch.testing.assert_close(image.log_prob(point), exact)
    assert guide.sample_latent().shape == (2,)
    assert guide.latent_dim == 2


@pytest.mark.parametrize("name", [LOW_RANK, "AutoLaplaceApproximation", "AutoDAIS"])
def test_a_vector_that_is_no_image_says_so(name):
    guide = GUIDES[name]()
    for ask in (guide.get_base_dist, guide.get_transform):
        with pytest.raises(NotImplementedError, match=f"{name} is not written as the image"):
            ask()
    assert guide.sample_latent().shape == (2,)


def test_the_normal_around_a_point_is_the_posterior():
    normal = GUIDES["AutoLaplaceApproximation"]().laplace_approximation()
    torch.testing.assert_close(-Trace_ELBO().differentiable_loss(model, normal), EVIDENCE)
