"""Draws of FisherSnedecor in double precision move as the two gamma variables behind them do at fixed masses."""

import pytest
import torch
from scipy import special
from torch import distributions as td

import virgil.distributions as dist

STEP = 1e-4


def moved(draw, df):
    """The logarithm of a mean of squares, at the same mass below it, by central differences over ``df``."""
    mass = special.gammainc(df / 2, df * draw)
    up, down = (special.gammaincinv((df + h) / 2, mass) / (df + h) for h in (STEP, -STEP))
    return (up - down) / (2 * STEP) / draw


@pytest.mark.parametrize("shape", [(), (3, 5)])
def test_draws_have_exact_derivatives(shape):
    df1 = torch.tensor([1.5, 3.0, 20.0, 7.0, 2.5], dtype=torch.double, requires_grad=True)
    df2 = torch.tensor([8.0, 1.5, 6.0, 40.0, 2.5], dtype=torch.double, requires_grad=True)
    fn = dist.FisherSnedecor(df1, df2).expand((*shape[:-1], 5))
    torch.manual_seed(3)
    draws = fn.rsample()
    torch.manual_seed(3)
    above, below = (td.Gamma(df / 2, df).expand((*shape[:-1], 5)).sample() for df in (df1.detach(), df2.detach()))
    torch.testing.assert_close(draws.detach(), above / below)
    slopes = torch.autograd.grad(draws.log().sum(), (df1, df2))
    first = moved(above.numpy(), df1.detach().numpy()).reshape(-1, 5).sum(0)
    second = -moved(below.numpy(), df2.detach().numpy()).reshape(-1, 5).sum(0)
    torch.testing.assert_close(slopes[0], torch.as_tensor(first), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(slopes[1], torch.as_tensor(second), rtol=1e-6, atol=1e-7)
