"""GaussianHMM against one dense normal vector of all states and observations.

Moments of draws are compared with `Z` standard errors; with fewer than 3,000 comparisons all of them together fail by
chance with probability 3,000 * 2e-8 < 1e-4.
"""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.distributions.time_series.dense import Joint, normal, parameters
from virgil.errors import ArgumentError, ShapeError

Z = 5.6
CASES = pytest.mark.parametrize("steady", [True, False])
LENGTHS = pytest.mark.parametrize("steps", [1, 2, 3, 6, 8, 13])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20240611)


def chain(steps, steady, hidden=3, size=2):
    params = parameters(steps, hidden, size, steady)
    value = torch.randn(steps, size, dtype=torch.double)
    return dist.GaussianHMM(*params, duration=steps), Joint(steps, *params), value


def assert_moments(draws, mean, spread):
    count = len(draws)
    assert ((draws.mean(0) - mean).abs() <= Z * (spread.diagonal() / count).sqrt() + 1e-12).all()
    scale = spread.diagonal().sqrt()
    allowed = Z * (2 / count) ** 0.5 * scale.outer(scale)  # a product of normals varies at most as much as a square
    assert ((draws.T.cov() - spread).abs() <= allowed).all()


@LENGTHS
@CASES
def test_density_moments_and_filter_are_those_of_the_joint_vector(steps, steady):
    model, joint, value = chain(steps, steady)
    torch.testing.assert_close(model.log_prob(value), joint.density(value), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(model.mean.flatten(), joint.mean)
    torch.testing.assert_close(model.variance.flatten(), joint.spread.diagonal())
    last, (mean, spread) = model.filter(value), joint.posterior(value)
    torch.testing.assert_close(last.loc, mean[-3:])
    torch.testing.assert_close(last.covariance_matrix, spread[-3:, -3:])


@CASES
def test_draws_have_the_joint_moments(steady):
    model, joint, value = chain(5, steady)
    assert_moments(model.rsample((20_000,)).flatten(1), joint.mean, joint.spread)
    states = model.rsample_posterior(value, (20_000,))
    assert states.shape == (20_000, 5, 3)
    assert_moments(states.flatten(1), *joint.posterior(value))
    assert model.rsample_posterior(value).shape == (5, 3)


@CASES
@pytest.mark.parametrize("vectors", [True, False])
def test_a_product_with_observations_is_such_a_series(steady, vectors):
    model, _, value = chain(5, steady)
    if vectors:
        other = normal(5, size=2).to_event(1)
    else:
        other = dist.Normal(torch.randn(5, 2, dtype=torch.double), 0.7).to_event(2)
    product, log_normalizer = model.conjugate_update(other)
    assert type(product) is dist.GaussianHMM
    torch.testing.assert_close(
        model.log_prob(value) + other.log_prob(value), product.log_prob(value) + log_normalizer, rtol=1e-9, atol=1e-9
    )


@CASES
@pytest.mark.parametrize("first", [1, 4])
def test_the_rest_of_a_series_given_its_beginning(steady, first):
    model, joint, value = chain(6, steady)
    rest = model.prefix_condition(value[:first])
    assert (rest.duration, rest.event_shape) == (6 - first, (6 - first, 2))
    seen = torch.zeros(6, 2, dtype=torch.bool)
    seen[:first] = True
    expected = joint.density(value) - joint.density(value, seen)
    torch.testing.assert_close(rest.log_prob(value[first:]), expected)


@CASES
@pytest.mark.parametrize("whole_steps", [True, False])
def test_missing_observations_count_for_nothing(steady, whole_steps):
    model, joint, value = chain(7, steady)
    seen = torch.rand(7, 2) < 0.6
    noise, loc, scale = model.observation_dist, torch.randn(2, dtype=torch.double), torch.tensor([0.5, 1.5])
    params = [model.initial_dist, model.transition_matrix, model.transition_dist, model.observation_matrix]
    if whole_steps:
        seen = seen[:, :1].expand(7, 2)
        masked = noise.expand((7,)).mask(seen[:, 0])
    else:
        masked = dist.Normal(loc, scale.double()).expand((7, 2)).mask(seen).to_event(1)
        independent = dist.MultivariateNormal(loc, scale_tril=torch.diag(scale.double()))
        joint = Joint(7, *params, independent)
    gaps = dist.GaussianHMM(*params, masked)
    broken = value.where(seen, math.nan).requires_grad_()
    torch.testing.assert_close(gaps.log_prob(broken), joint.density(value, seen), rtol=1e-10, atol=1e-10)
    (slope,) = torch.autograd.grad(gaps.log_prob(broken), broken)
    assert (slope[~seen] == 0).all()
    torch.testing.assert_close(gaps.filter(broken).loc, joint.posterior(value, seen)[0][-3:])
    assert_moments(gaps.rsample_posterior(broken, (20_000,)).flatten(1).detach(), *joint.posterior(value, seen))


def test_batches_of_parameters_and_of_series():
    """Each series has the value that it has alone, wherever the batch is."""
    initial, moved = normal(3, size=2), normal(3, 1, size=2)
    moves, seen = torch.randn(4, 1, 1, 2, 2, dtype=torch.double), torch.randn(5, 2, 1, dtype=torch.double)
    noise = dist.Normal(torch.zeros(1, dtype=torch.double), 0.5).to_event(1)
    model = dist.GaussianHMM(initial, moves, moved, seen, noise)
    assert (model.batch_shape, model.event_shape, model.duration) == ((4, 3), (5, 1), 5)
    value = torch.randn(6, 4, 3, 5, 1, dtype=torch.double)
    together, last = model.log_prob(value), model.filter(value)
    assert together.shape == last.batch_shape == (6, 4, 3)
    for row in range(4):
        for column in range(3):
            one = dist.GaussianHMM(
                dist.MultivariateNormal(initial.loc[column], scale_tril=initial.scale_tril[column]),
                moves[row, 0, 0],
                dist.MultivariateNormal(moved.loc[column, 0], scale_tril=moved.scale_tril[column, 0]),
                seen,
                noise,
            )
            torch.testing.assert_close(together[:, row, column], one.log_prob(value[:, row, column]))
            torch.testing.assert_close(last.loc[:, row, column], one.filter(value[:, row, column]).loc)
    assert model.rsample((7,)).shape == (7, 4, 3, 5, 1)
    assert model.rsample_posterior(value, (7,)).shape == (7, 6, 4, 3, 5, 2)
    assert model.prefix_condition(value[0, ..., :2, :]).log_prob(value[..., 2:, :]).shape == (6, 4, 3)


@pytest.mark.parametrize("steps", [5, 8])
def test_a_steady_series_may_have_any_length(steps):
    params = parameters(steps, 2, 1, True)
    model, value = dist.GaussianHMM(*params), torch.randn(4, steps, 1, dtype=torch.double)
    assert (model.duration, model.event_shape) == (None, (1, 1))
    joint = Joint(steps, *params)
    expected = torch.stack([joint.density(each) for each in value])
    torch.testing.assert_close(model.log_prob(value), expected)
    torch.testing.assert_close(model.expand((4,)).to_event(1).log_prob(value), expected.sum())

    def program():
        with virgil.plate("series", 4):
            virgil.sample("x", model, obs=value)

    assert virgil.infer.Trace_ELBO().loss(program, lambda: None) == pytest.approx(-expected.sum().item())


@CASES
def test_gradients_are_those_of_the_joint_vector(steady):
    params = parameters(6, 2, 1, steady)
    value = torch.randn(6, 1, dtype=torch.double, requires_grad=True)
    leaves = [value, params[1].requires_grad_(), params[3].requires_grad_(), params[2].loc.requires_grad_()]
    model, joint = dist.GaussianHMM(*params, duration=6), Joint(6, *params)
    ours, theirs = (torch.autograd.grad(each, leaves) for each in (model.log_prob(value), joint.density(value)))
    torch.testing.assert_close(ours, theirs)
    curvature = torch.autograd.functional.hessian(model.log_prob, value.detach()).squeeze()
    torch.testing.assert_close(curvature.squeeze(), -torch.linalg.inv(joint.spread), rtol=1e-8, atol=1e-8)


def test_small_noise_about_large_numbers_keeps_its_digits_in_float32():
    """A walk of 500 steps with noise of 1e-3 about 100, whose density factors in closed form by its first state."""
    steps, scale = 500, 1e-3
    value = torch.full((steps, 1), 100.0) + scale * torch.randn(steps, 1).cumsum(0)
    one = torch.ones(1, 1)
    model = dist.GaussianHMM(
        dist.Normal(torch.zeros(1), 100.0).to_event(1),
        one,
        dist.Normal(torch.zeros(1), scale).to_event(1),
        one,
        dist.Normal(torch.zeros(1), scale).to_event(1),
    )
    times = torch.arange(1.0, steps + 1, dtype=torch.double)
    spread = 1e4 + scale**2 * torch.minimum(times[:, None], times) + scale**2 * torch.eye(steps, dtype=torch.double)
    exact = dist.MultivariateNormal(torch.zeros(steps, dtype=torch.double), spread).log_prob(value[:, 0].double())
    assert model.log_prob(value).item() == pytest.approx(exact.item(), rel=1e-5)
    assert model.log_prob(value).dtype is model.filter(value).loc.dtype is torch.float


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"transition_matrix": torch.eye(2)}, r"are \(..., hidden_dim, hidden_dim\)"),
        ({"observation_matrix": torch.ones(3, 1)}, "of event shapes"),
        ({"transition_matrix": torch.eye(3).expand(4, 3, 3), "duration": 5}, "duration=5 and parameters of 4 steps"),
        (
            {"transition_matrix": torch.eye(3).expand(4, 3, 3), "observation_matrix": torch.ones(5, 3, 2)},
            "The last dim of each is time",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_named(changed, message):
    with pytest.raises(ShapeError, match=message):
        dist.GaussianHMM(**{**stated(), **changed})


def stated():
    vector = dist.Normal(torch.zeros(3), 1.0).to_event(1)
    return {
        "initial_dist": vector,
        "transition_matrix": torch.eye(3),
        "transition_dist": vector,
        "observation_matrix": torch.ones(3, 2),
        "observation_dist": dist.Normal(torch.zeros(2), 1.0).to_event(1),
    }


def test_what_is_not_possible_is_refused():
    with pytest.raises(ArgumentError, match=r"transition_dist is .*; it is a MultivariateNormal"):
        dist.GaussianHMM(**{**stated(), "transition_dist": dist.StudentT(3.0, torch.zeros(3), 1.0).to_event(1)})
    model = dist.GaussianHMM(**stated())
    with pytest.raises(ArgumentError, match=r"no number of steps.*Pass duration="):
        model.rsample()
    with pytest.raises(ShapeError, match="prefix_condition got 2 steps for a GaussianHMM with duration=None"):
        model.prefix_condition(torch.zeros(2, 2))
    with pytest.raises(ArgumentError, match=r"it takes Normal\(...\).to_event\(2\)"):
        model.conjugate_update(dist.Normal(torch.zeros(2), 1.0).to_event(1))
    with pytest.raises(ArgumentError, match="takes no masks"):
        model.conjugate_update(dist.Normal(torch.zeros(3, 2), 1.0).mask(torch.ones(3, 2).bool()).to_event(2))
    with pytest.raises(ValueError, match="support"):
        model.log_prob(torch.full((3, 2), math.nan))
