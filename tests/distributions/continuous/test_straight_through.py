"""Draws that are rounded, with the derivative and the density of what they were before."""

import pytest
import torch

import virgil.distributions as dist
from virgil.ops.quantization import QuantizeBernoulli, QuantizeCategorical

PROBS, TEMPERATURE = torch.tensor([0.2, 0.3, 0.5], dtype=torch.double), torch.tensor(0.7, dtype=torch.double)
PAIRS = {
    "Bernoulli": (dist.RelaxedBernoulliStraightThrough, dist.RelaxedBernoulli),
    "OneHot": (dist.RelaxedOneHotCategoricalStraightThrough, dist.RelaxedOneHotCategorical),
}


@pytest.mark.parametrize("name", PAIRS)
def test_draws_are_rounded_and_keep_derivative_and_density(name):
    rounded, relaxed = PAIRS[name]
    probs = PROBS.clone().requires_grad_()
    weight = torch.tensor([1.0, -2.0, 0.5], dtype=torch.double)
    results = []
    for family in (rounded, relaxed):
        torch.manual_seed(3)
        fn = family(TEMPERATURE, probs=probs)
        x = fn.rsample((5,))
        results.append((x, torch.autograd.grad((x * weight).sum(), probs, retain_graph=True)[0], fn.log_prob(x)))
    (hard, hard_slope, hard_density), (soft, soft_slope, density) = results
    assert ((hard == 0) | (hard == 1)).all()
    expected = soft.round() if name == "Bernoulli" else torch.nn.functional.one_hot(soft.argmax(-1), 3)
    torch.testing.assert_close(hard, expected.to(hard.dtype))
    torch.testing.assert_close(hard_slope, soft_slope)
    torch.testing.assert_close(hard_density, density)
    fn = rounded(TEMPERATURE, probs=probs)
    assert fn.log_prob(hard.detach().clone()).isfinite().all()  # as of a relaxed draw that was rounded by the dtype
    assert not ((fn.sample((5,)) == 0) | (fn.sample((5,)) == 1)).all()
    assert type(fn.expand((4, *fn.batch_shape)).rsample()) is torch.Tensor


def test_rounding_has_the_derivative_of_the_identity():
    soft = PROBS.clone().requires_grad_()
    weight = torch.tensor([1.0, -2.0, 0.5], dtype=torch.double)
    for quantize, hard in ((QuantizeBernoulli, [0.0, 0.0, 0.0]), (QuantizeCategorical, [0.0, 0.0, 1.0])):
        value = quantize.apply(soft)
        assert value.tolist() == hard
        torch.testing.assert_close(torch.autograd.grad((value * weight).sum(), soft)[0], weight)
        assert torch.equal(value._unquantize, soft)
