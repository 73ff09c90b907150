"""Linear series as Gaussian ones given what their noise is made of."""

import pytest
import torch
from torch.distributions.transforms import ExpTransform

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer.reparam import LinearHMMReparam, StudentTReparam, TransformReparam

STEPS = 5
MOVE = torch.tensor([[0.9, 0.1], [-0.2, 0.8]])
SEEN = torch.tensor([[1.0, 0.0, 0.5], [0.3, 1.0, 0.0]])
NOISE = dist.Normal(torch.zeros(2), 0.5).to_event(1)
HEAVY = dist.StudentT(6.0, torch.zeros(3), torch.tensor([0.3, 0.5, 1.0])).to_event(1)
DATA = torch.sin(torch.arange(15.0)).reshape(STEPS, 3)


def series(obs=HEAVY, **options):
    return dist.LinearHMM(dist.StudentT(7.0, torch.zeros(2), 1.0).to_event(1), MOVE, NOISE, SEEN, obs, **options)


def test_given_the_variables_of_its_noise_a_series_is_gaussian():
    reparam = LinearHMMReparam(init=StudentTReparam(), obs=StudentTReparam())
    model = poutine.reparam(lambda: virgil.sample("x", series(), obs=DATA), config={"x": reparam})
    trace = poutine.trace(model).get_trace()
    assert trace.stochastic_nodes == ["x_init_gamma", "x_obs_gamma"]
    first, seen = (trace.nodes[name].value for name in trace.stochastic_nodes)
    assert (first.shape, seen.shape) == ((2,), (STEPS, 3))
    by_hand = dist.GaussianHMM(
        dist.Normal(torch.zeros(2), first.rsqrt()).to_event(1),
        MOVE,
        NOISE,
        SEEN,
        dist.Normal(torch.zeros(3), torch.tensor([0.3, 0.5, 1.0]) * seen.rsqrt()).to_event(1),
    )
    expected = by_hand.log_prob(DATA) + sum(trace.nodes[name].log_prob_sum for name in trace.stochastic_nodes)
    torch.testing.assert_close(trace.log_prob_sum(), expected)


def test_transforms_of_observations_stay():
    obs = dist.TransformedDistribution(dist.Normal(torch.zeros(3), 0.5).to_event(1), [ExpTransform()])
    reparam = LinearHMMReparam(init=StudentTReparam())
    model = poutine.reparam(lambda: virgil.sample("x", series(obs), obs=DATA.exp()), config={"x": reparam})
    trace = poutine.trace(model).get_trace()
    inner = trace.nodes["x"].fn.base_dist
    assert type(inner).__name__ == "GaussianHMM"
    torch.testing.assert_close(trace.nodes["x"].log_prob, inner.log_prob(DATA) - DATA.sum())


def test_series_in_plates_have_the_variance_of_their_draws():
    """To 6 standard errors of the fourth moments, of 2,000 draws of each: under 1e-7 a comparison."""

    def model():
        with virgil.plate("draws", 2000):
            return virgil.sample("x", series(duration=STEPS))

    reparam = LinearHMMReparam(init=StudentTReparam(), obs=StudentTReparam())
    gaussian, plain = poutine.reparam(model, config={"x": reparam})(), model()
    assert gaussian.shape == plain.shape == (2000, STEPS, 3)
    squares = gaussian.square(), plain.square()
    error = sum(each.var(0) / 2000 for each in squares).sqrt()
    assert ((squares[0].mean(0) - squares[1].mean(0)).abs() < 6 * error).all()


def test_independent_series_share_no_variables():
    noise = dist.Normal(torch.zeros(1), 1.0).to_event(1)
    heavy = dist.StudentT(5.0, torch.zeros(3, 1, 1), 1.0).to_event(1)
    apart = dist.IndependentHMM(dist.LinearHMM(noise, torch.eye(1), noise, torch.eye(1), heavy, duration=STEPS))
    reparam = LinearHMMReparam(obs=StudentTReparam())
    trace = poutine.trace(
        poutine.reparam(lambda: virgil.sample("x", apart, obs=DATA), config={"x": reparam})
    ).get_trace()
    gamma, x = trace.nodes["x_obs_gamma"], trace.nodes["x"]
    assert type(x.fn).__name__ == "IndependentHMM"
    assert (gamma.fn.batch_shape, gamma.fn.event_shape) == ((), (3, STEPS, 1))
    expected = sum(
        dist.GaussianHMM(
            noise, torch.eye(1), noise, torch.eye(1), dist.Normal(torch.zeros(1), each.rsqrt()).to_event(1)
        ).log_prob(DATA[:, [i]])
        for i, each in enumerate(gamma.value)
    )
    torch.testing.assert_close(x.log_prob, expected)


@pytest.mark.parametrize(
    ("fn", "reparam", "message"),
    [
        (dist.Normal(0.0, 1.0), LinearHMMReparam(), "site 'x', LinearHMMReparam got .* it takes a LinearHMM"),
        (series(), LinearHMMReparam(), "number of steps is not known"),
        (
            series(dist.LogNormal(torch.zeros(3), 1.0).to_event(1), duration=2),
            LinearHMMReparam(init=StudentTReparam(), trans=TransformReparam()),
            "site 'x_trans', TransformReparam got",
        ),
    ],
)
def test_mistakes_are_named(fn, reparam, message):
    with pytest.raises(ArgumentError, match=message):
        poutine.reparam(lambda: virgil.sample("x", fn), config={"x": reparam})()
    with pytest.raises(ArgumentError, match="got trans=3; it takes a reparameteriser"):
        LinearHMMReparam(trans=3)
