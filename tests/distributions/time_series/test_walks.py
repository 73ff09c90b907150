"""GaussianRandomWalk, AR and EulerMaruyama: against their steps one by one, and where their arguments are wrong."""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError


def test_a_walk_is_an_autoregressive_series_with_a_coefficient_of_one():
    scale, drift = torch.tensor([0.5, 2.0], dtype=torch.double), torch.tensor([0.1, -0.2], dtype=torch.double)
    walk = dist.GaussianRandomWalk(scale, 6, drift)
    series = dist.AR(torch.ones(1, dtype=torch.double), scale, 6, intercept=drift)
    value = walk.sample((3,))
    for name in ("mean", "mode", "variance"):
        torch.testing.assert_close(getattr(walk, name), getattr(series, name))
    torch.testing.assert_close(walk.log_prob(value), series.log_prob(value))
    torch.testing.assert_close(walk.entropy(), series.entropy())
    torch.manual_seed(0)
    drawn = walk.sample((3,))
    torch.manual_seed(0)
    torch.testing.assert_close(series.sample((3,)), drawn)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_an_autoregressive_series_is_the_product_of_its_steps(order):
    torch.manual_seed(order)
    coefficients, initial = 0.4 * torch.randn(2, order).double(), torch.randn(order).double()
    fn = dist.AR(coefficients, 0.7, 5, initial, 0.2)
    value = fn.sample((3,))
    assert value.shape == (3, 2, 5)
    whole = torch.cat([initial.expand(3, 2, -1), value], -1)
    expected = torch.zeros(3, 2, dtype=torch.double)
    for step in range(order, order + 5):
        mean = 0.2 + sum(coefficients[:, lag - 1] * whole[..., step - lag] for lag in range(1, order + 1))
        expected = expected + dist.Normal(mean, 0.7).log_prob(whole[..., step])
    torch.testing.assert_close(fn.log_prob(value), expected)
    # in all it is one normal vector: minus its entropy is the mean of the log-density, at the mean that plus 5 / 2
    torch.testing.assert_close(fn.log_prob(fn.mean), 2.5 - fn.entropy())


def test_a_path_is_the_product_of_its_steps():
    times, pull = torch.tensor([0.0, 0.3, 1.0, 1.2]), torch.tensor([[0.5, 1.0], [2.0, -0.4]])

    def equation(state, time):
        return -pull * state + time.sin(), (1 + state.square()).sqrt()

    fn = dist.EulerMaruyama(times, equation, dist.Normal(torch.zeros(2, 2), 1.0).to_event(1))
    assert (fn.batch_shape, fn.event_shape, fn.has_rsample) == ((2,), (4, 2), True)
    value = fn.rsample((3,))
    expected = dist.Normal(0.0, 1.0).log_prob(value[..., 0, :]).sum(-1)
    for step in range(3):
        state, length = value[..., step, :], times[step + 1] - times[step]
        drift, diffusion = equation(state, times[step])
        moved = dist.Normal(state + drift * length, diffusion * length.sqrt())
        expected = expected + moved.log_prob(value[..., step + 1, :]).sum(-1)
    torch.testing.assert_close(fn.log_prob(value), expected)
    torch.testing.assert_close(fn.expand((3, 2)).log_prob(value), expected)
    rows = dist.EulerMaruyama(times.expand(2, 4), equation, dist.Normal(torch.zeros(2), 1.0).to_event(1))
    torch.testing.assert_close(rows.log_prob(value), expected)
    alone = dist.EulerMaruyama(times[:1], equation, dist.Normal(torch.zeros(2, 2), 1.0).to_event(1))
    torch.testing.assert_close(
        alone.log_prob(value[..., :1, :]), dist.Normal(0.0, 1.0).log_prob(value[..., 0, :]).sum(-1)
    )


def test_a_path_whose_start_has_no_pathwise_draw_has_none():
    start = dist.Normal(0.0, 1.0).has_rsample_(False)
    fn = dist.EulerMaruyama(torch.arange(3.0), lambda state, time: (-state, torch.ones(())), start)
    assert not fn.has_rsample
    assert fn().shape == (3,)


def test_arguments_that_do_not_fit_are_named():
    with pytest.raises(ArgumentError, match="GaussianRandomWalk got num_steps=0"):
        dist.GaussianRandomWalk(1.0, 0)
    with pytest.raises(ArgumentError, match="AR got num_steps=0"):
        dist.AR(torch.ones(1), 1.0, 0)
    with pytest.raises(ShapeError, match="one value before the series for each coefficient"):
        dist.AR(torch.ones(2), 1.0, 3, initial=torch.ones(1))
    with pytest.raises(ShapeError, match="with one or more"):
        dist.EulerMaruyama(torch.ones(0), lambda state, time: (state, state), dist.Normal(0.0, 1.0))
    larger = dist.EulerMaruyama(torch.arange(3.0), lambda state, time: (torch.ones(2), time), dist.Normal(0.0, 1.0))
    with pytest.raises(ShapeError, match=r"drift of shape \(2,\).*which are larger"):
        larger.sample()
    with pytest.raises(ValueError, match="t"):
        dist.EulerMaruyama(torch.zeros(3), lambda state, time: (state, state), dist.Normal(0.0, 1.0))
