"""The attributes by which old programs allow binomial families to be approximate."""

import math

import pyro.distributions as dist
import pytest
import torch
from scipy import stats

import virgil.distributions


def test_nothing_is_approximate_whatever_is_allowed(monkeypatch):
    assert dist.Binomial is virgil.distributions.Binomial
    assert (dist.Binomial.approx_log_prob_tol, dist.BetaBinomial.approx_log_prob_tol) == (0.0, 0.0)
    assert dist.Binomial.approx_sample_thresh == math.inf
    monkeypatch.setattr(dist.Binomial, "approx_log_prob_tol", 0.5)
    monkeypatch.setattr(dist.Binomial, "approx_sample_thresh", 1)
    fn = dist.Binomial(5, torch.tensor(0.3))
    assert fn.log_prob(torch.tensor(2.0)).item() == pytest.approx(stats.binom.logpmf(2, 5, 0.3), rel=1e-5)
    assert fn.sample((200,)).max() <= 5
