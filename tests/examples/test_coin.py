"""The fairness of a coin: the closed form by quadrature, and the demo from end to end."""

from __future__ import annotations

import math

import pytest
import torch

from virgil import poutine
from virgil.examples import coin
from virgil.examples.reports.coin import Beta, log_evidence


def _grid(points=20_001):
    """The model's log joint over the chance of heads, and the step of the grid."""
    fairness = torch.linspace(0.0, 1.0, points, dtype=torch.double)[1:-1]

    def log_joint(value):
        return poutine.trace(poutine.condition(coin.model, {"fairness": value})).get_trace(coin.FLIPS).log_prob_sum()

    return fairness, torch.func.vmap(log_joint)(fairness), 1 / (points - 1)


def test_the_closed_form_is_the_models_own_posterior():
    """Moments and evidence of Beta(16, 14) are those of the model, by quadrature."""
    exact = coin.exact_posterior(coin.FLIPS)
    assert exact == Beta(16.0, 14.0)
    fairness, log_joint, step = _grid()
    joint = log_joint.exp()
    evidence = joint.sum() * step
    assert math.log(evidence) == pytest.approx(log_evidence(coin.PRIOR, exact), abs=1e-5)
    mean = (fairness * joint).sum() * step / evidence
    variance = ((fairness - mean) ** 2 * joint).sum() * step / evidence
    assert mean.item() == pytest.approx(exact.mean, rel=1e-5)
    assert variance.sqrt().item() == pytest.approx(exact.sd, rel=1e-5)


def test_the_numbers_of_a_beta_are_those_of_its_distribution():
    each = Beta(3.0, 2.0)
    there = each.distribution()
    assert each.mean == pytest.approx(there.mean.item())
    assert each.sd == pytest.approx(there.stddev.item())
    # the density at x is x² (1 - x) over the Beta function, 2! 1! / 4!
    assert each.log_normaliser == pytest.approx(math.log(2 / 24))


def test_at_the_exact_posterior_the_bound_is_the_log_evidence_and_has_no_noise():
    exact = coin.exact_posterior(coin.FLIPS)
    fairness, log_joint, _ = _grid(11)
    gap = log_joint - exact.distribution().log_prob(fairness)
    torch.testing.assert_close(gap, torch.full_like(gap, log_evidence(coin.PRIOR, exact)), atol=1e-5, rtol=0)


def test_the_demo_finds_the_exact_posterior_prints_it_and_draws_it(tmp_path, capsys):
    coin.main(steps=800, out=tmp_path / "pictures")
    printed = capsys.readouterr().out
    numbers = {
        name: [float(word) for word in line.split()[-4:]]
        for line in printed.splitlines()
        for name in ("prior", "posterior, fitted", "posterior, exact")
        if line.startswith(name)
    }
    assert numbers["prior"][:2] == [10.0, 10.0]
    assert numbers["posterior, exact"] == [16.0, 14.0, 0.5333, 0.0896]  # 16 / 30, and the root of 16 · 14 / 30² / 31
    assert numbers["posterior, fitted"] == pytest.approx(numbers["posterior, exact"], rel=0.03)
    assert "7.069 nats" in printed
    assert (tmp_path / "pictures" / "coin.png").read_bytes().startswith(b"\x89PNG")
