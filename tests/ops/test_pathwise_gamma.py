"""Derivatives of gamma and Dirichlet draws against mpmath's derivatives of the distribution functions."""

import mpmath as mp
import pytest
import torch
from torch import distributions as td

from virgil.ops.pathwise_gamma import moving_dirichlet_draws, moving_gamma_draws


@pytest.fixture(autouse=True)
def thirty_digits():
    with mp.workdps(30):
        yield


def numbers(*values):
    return torch.tensor(values, dtype=torch.double)


def gammas(a):
    return moving_gamma_draws(td.Gamma(a.detach(), torch.ones_like(a)).sample(), a)


def simplices(a):
    return moving_dirichlet_draws(td.Dirichlet(a.detach()).sample(), a)


def rows(draws, a):
    return zip(draws.split(300), (each.requires_grad_() for each in a.detach().split(300)), strict=True)


@pytest.mark.parametrize("shape", [0.05, 0.7, 3.0, 60.0])
def test_a_gamma_draw_moves_at_a_fixed_mass_below_it(shape):
    torch.manual_seed(0)
    a = torch.full((6,), shape, dtype=torch.double).requires_grad_()
    draws = gammas(a)
    (slopes,) = torch.autograd.grad(draws.sum(), a)
    for x, slope in zip(draws.tolist(), slopes.tolist(), strict=True):
        by_shape = mp.diff(lambda s, x=x: mp.gammainc(s, 0, x, regularized=True), shape)
        density = mp.mpf(x) ** (shape - 1) * mp.exp(-x) / mp.gamma(shape)
        assert slope == pytest.approx(float(-by_shape / density), rel=1e-6)


def test_a_beta_draw_moves_with_both_concentrations():
    torch.manual_seed(0)
    a = numbers([0.4, 2.5], [0.4, 2.5], [6.0, 3.0], [30.0, 0.7]).requires_grad_()
    draws = simplices(a)[:, 0]
    (slopes,) = torch.autograd.grad(draws.sum(), a)
    for x, (p, q), found in zip(draws.tolist(), a.tolist(), slopes.tolist(), strict=True):
        density = mp.mpf(x) ** (p - 1) * (1 - mp.mpf(x)) ** (q - 1) / mp.beta(p, q)
        by_p = mp.diff(lambda s, x=x, q=q: mp.betainc(s, q, 0, x, regularized=True), p)
        by_q = mp.diff(lambda s, x=x, p=p: mp.betainc(p, s, 0, x, regularized=True), q)
        assert found == pytest.approx([float(-by_p / density), float(-by_q / density)], rel=1e-6)


def test_the_entries_of_a_vector_keep_their_sum_and_the_proportion_of_the_others():
    torch.manual_seed(0)
    a = numbers(0.5, 2.0, 7.0).requires_grad_()
    draw = simplices(a)
    slopes = torch.stack([torch.autograd.grad(each, a, retain_graph=True)[0] for each in draw])
    torch.testing.assert_close(slopes.sum(0), torch.zeros(3, dtype=torch.double), rtol=0, atol=1e-12)
    torch.testing.assert_close(slopes[1, 0] / draw[1], slopes[2, 0] / draw[2])


def test_a_large_batch_is_taken_in_pieces_with_the_same_result():
    torch.manual_seed(0)
    a = (torch.rand(3_000, dtype=torch.double) * 5 + 0.1).requires_grad_()
    draws = gammas(a)
    (slopes,) = torch.autograd.grad(draws.sum(), a)
    pieces = [torch.autograd.grad(moving_gamma_draws(x, y).sum(), y) for x, y in rows(draws.detach(), a)]
    torch.testing.assert_close(slopes, torch.cat([each for (each,) in pieces]), rtol=1e-12, atol=0)
