"""Counts with more zeros."""

import math

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError


@pytest.mark.parametrize("gate", [0.0, 0.3, 1.0])
def test_zeros_come_from_both_parts(gate):
    fn = dist.ZeroInflatedPoisson(2.0, gate=gate)
    zero, two = fn.log_prob(torch.tensor([0.0, 2.0])).exp().tolist()
    assert zero == pytest.approx(gate + (1 - gate) * math.exp(-2), rel=1e-5)
    assert two == pytest.approx((1 - gate) * 2 * math.exp(-2), abs=1e-6)


def test_gates_by_probability_and_by_log_odds_are_the_same():
    gate = torch.tensor([0.2, 0.7])
    by_probs = dist.ZeroInflatedNegativeBinomial(3.0, logits=torch.zeros(2), gate=gate)
    by_logits = dist.ZeroInflatedNegativeBinomial(3.0, logits=torch.zeros(2), gate_logits=by_probs.gate_logits)
    torch.testing.assert_close(by_logits.gate, gate)
    x = torch.tensor([[0.0], [4.0]])
    torch.testing.assert_close(by_probs.log_prob(x), by_logits.log_prob(x))
    assert by_probs.total_count.tolist() == [3.0, 3.0]
    assert by_probs.probs.tolist() == [0.5, 0.5]
    assert by_probs.expand((3, 2)).logits.shape == (3, 2)


def test_a_gate_of_either_kind_has_the_gradient_of_the_closed_form():
    gate = torch.tensor(0.3, dtype=torch.double, requires_grad=True)
    rate = torch.tensor(2.0, dtype=torch.double)
    value = dist.ZeroInflatedPoisson(rate, gate=gate).log_prob(torch.zeros((), dtype=torch.double))
    (slope,) = torch.autograd.grad(value, gate)
    none = math.exp(-2)
    assert slope.item() == pytest.approx((1 - none) / (0.3 + 0.7 * none))


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="ZeroInflatedPoisson takes one of gate and gate_logits"):
        dist.ZeroInflatedPoisson(1.0)
    with pytest.raises(ArgumentError, match="takes one of gate and gate_logits"):
        dist.ZeroInflatedDistribution(dist.Poisson(1.0), gate=0.5, gate_logits=0.0)
    with pytest.raises(ShapeError, match=r"a base_dist of event_shape \(3,\)"):
        dist.ZeroInflatedDistribution(dist.Poisson(torch.ones(3)).to_event(1), gate=0.5)
    with pytest.raises(ValueError, match="rate"):
        dist.ZeroInflatedPoisson(-1.0, gate=0.5)
