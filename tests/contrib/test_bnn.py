"""A layer with random weights: moments, the divergence by quadrature, and a fit to a linear model's posterior."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import virgil
import virgil.distributions as dist
from virgil.contrib.bnn import HiddenLayer
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import SVI, Trace_ELBO
from virgil.optim import Adam

X = torch.tensor([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]])
MEAN = torch.tensor([[0.5, -1.0], [0.0, 2.0], [1.5, 0.3]])
SCALE = torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])


@pytest.mark.parametrize("weight_space_sampling", [False, True])
@pytest.mark.parametrize("inputs", [X, X[0], X.expand(4, 2, 3)])
def test_outputs_before_the_function_are_normal(inputs, weight_space_sampling):
    fn = HiddenLayer(
        inputs,
        MEAN,
        SCALE,
        non_linearity=torch.clone,
        include_hidden_bias=False,
        weight_space_sampling=weight_space_sampling,
    )
    draws = fn.rsample((20_000,))
    assert draws.shape == (20_000, *inputs.shape[:-1], 2)
    spread = (inputs**2 @ SCALE**2).sqrt()
    # 5 standard errors of a mean, and of a variance (2 / n of its square), in at most 32 comparisons: below 1e-4
    assert ((draws.mean(0) - inputs @ MEAN).abs() < 5 * spread / 20_000**0.5).all()
    assert ((draws.var(0) / spread**2 - 1).abs() < 5 * (2 / 20_000) ** 0.5).all()


def test_weights_are_shared_by_inputs_and_local_noise_is_not():
    twice = X[:1].expand(2, 3)
    local = HiddenLayer(twice, MEAN, SCALE, non_linearity=torch.clone).rsample()
    shared = HiddenLayer(twice, MEAN, SCALE, non_linearity=torch.clone, weight_space_sampling=True).rsample()
    assert torch.equal(shared[0], shared[1])
    assert not torch.equal(local[0], local[1])


def test_a_column_of_ones_follows_the_function():
    draws = HiddenLayer(X, MEAN, SCALE).rsample((3,))
    assert draws.shape == (3, 2, 3)
    assert (draws[..., -1] == 1).all()
    assert (draws >= 0).all()
    assert HiddenLayer(X, MEAN, SCALE).event_shape == (2, 3)


@pytest.mark.parametrize("prior", [1.0, torch.tensor([[0.5, 2.0]])])
def test_the_log_density_is_minus_the_divergence_of_the_weights(prior):
    def divergence(mean, scale, prior_scale):
        q, p = stats.norm(mean, scale), stats.norm(0, prior_scale)
        return integrate.quad(lambda a: q.pdf(a) * (q.logpdf(a) - p.logpdf(a)), *q.interval(1 - 1e-12))[0]

    scales = torch.as_tensor(prior).expand(3, 2)
    expected = sum(map(divergence, *(each.flatten().numpy() for each in (MEAN, SCALE, scales))))
    fn = HiddenLayer(X, MEAN, SCALE, KL_factor=0.5, A_prior_scale=prior)
    assert fn.KL.item() == pytest.approx(expected, rel=1e-5)
    assert fn.log_prob(fn.rsample((4,))).numpy() == pytest.approx(np.full(4, -0.5 * expected), rel=1e-5)
    at_prior = HiddenLayer(X, torch.zeros(3, 2), scales.clone(), A_prior_scale=prior)
    assert at_prior.KL.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.long
def test_a_linear_layer_finds_the_posterior_of_its_weights():
    inputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, -1.0]])
    outputs = torch.tensor([1.0, -0.5, 1.5, 1.0])

    def layer():
        mean = virgil.param("mean", torch.zeros(2, 1))
        scale = virgil.param("scale", torch.ones(2, 1), constraint=dist.constraints.positive)
        return HiddenLayer(inputs, mean, scale, non_linearity=torch.clone, include_hidden_bias=False)

    def model():
        weights = layer()
        prediction = weights()
        virgil.factor("weights", weights.log_prob(prediction))
        with virgil.plate("rows", 4):
            virgil.sample("y", dist.Normal(prediction[:, 0], 0.5), obs=outputs)

    svi = SVI(model, lambda: None, Adam({"lr": 0.02}), Trace_ELBO(num_particles=20))
    for _ in range(600):
        svi.step()
    # columns of the inputs are orthogonal, so that the posterior has independent weights
    precision = 1 + (inputs**2).sum(0) / 0.25
    store = virgil.get_param_store()
    assert store["scale"].flatten().tolist() == pytest.approx(precision.rsqrt().tolist(), rel=0.1)
    exact = inputs.T @ outputs / 0.25 / precision
    assert store["mean"].flatten().tolist() == pytest.approx(exact.tolist(), abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((None, MEAN, SCALE), ArgumentError, "HiddenLayer got X=None; it takes a tensor."),
        ((X, MEAN, SCALE, 3), ArgumentError, "HiddenLayer got non_linearity=3; it takes a function"),
        ((X, MEAN[:2], SCALE), ShapeError, "X of shape (2, 3), A_mean of (2, 2) and A_scale of (3, 2); they must be"),
        ((X, MEAN[:2], SCALE[:2]), ShapeError, "X of shape (2, 3), A_mean of (2, 2) and A_scale of (2, 2)"),
    ],
)
def test_mistakes_are_named(arguments, kind, message):
    with pytest.raises(kind) as error:
        HiddenLayer(*arguments)
    assert message in str(error.value)
