"""``mask`` and ``scale``: what counts, and how much."""

import re

import pytest
import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError

NAN = float("nan")
DATA = torch.tensor([1.0, NAN, 3.0])
KEEP = ~DATA.isnan()


def _site(program):
    return poutine.trace(program).get_trace().nodes["x"]


def plated(fn, data):
    def model():
        with virgil.plate("data", 3):
            virgil.sample("x", fn, obs=data)

    return model


FAMILIES = {
    "normal": (lambda p: dist.Normal(p, 1.0), torch.tensor([1.0, NAN, 3.0])),
    "gamma": (lambda p: dist.Gamma(2.0, p.exp()), torch.tensor([1.0, NAN, 3.0])),
    "out of support": (lambda p: dist.Exponential(p.exp()), torch.tensor([1.0, -5.0, 3.0])),
    "beta": (lambda p: dist.Beta(p.exp(), 2.0), torch.tensor([0.5, NAN, 0.1])),
    "bernoulli": (lambda p: dist.Bernoulli(logits=p), torch.tensor([1.0, NAN, 0.0])),
    "categorical": (lambda p: dist.Categorical(logits=torch.stack([p, 0 * p, -p], -1)), torch.tensor([0, -1, 2])),
    "vector": (
        lambda p: dist.MultivariateNormal(p.unsqueeze(-1).expand(3, 2), torch.eye(2)),
        torch.tensor([[1.0, 2.0], [NAN, 0.0], [3.0, 1.0]]),
    ),
    "simplex": (
        lambda p: dist.Dirichlet(torch.stack([p, 0 * p], -1).exp()),
        torch.tensor([[0.5, 0.5], [NAN, NAN], [0.1, 0.9]]),
    ),
}


@pytest.mark.parametrize(("family", "data"), FAMILIES.values(), ids=FAMILIES)
def test_what_is_masked_out_poisons_neither_value_nor_gradient(family, data):
    p = torch.full((3,), 0.5, requires_grad=True)
    site = _site(poutine.mask(plated(family(p), data), mask=torch.tensor([True, False, True])))
    (gradient,) = torch.autograd.grad(site["log_prob_sum"], p)
    kept = torch.tensor([0, 2])
    q = torch.full((3,), 0.5, requires_grad=True)
    expected = family(q).log_prob(torch.where(torch.isnan(data) | (data < 0), data[:1], data))[kept].sum()
    (expected_gradient,) = torch.autograd.grad(expected, q)
    assert torch.isclose(site["log_prob_sum"], expected)
    assert torch.allclose(gradient[kept], expected_gradient[kept])
    assert gradient[1] == 0.0
    assert site["log_prob"][1] == 0.0


def test_masks_nest_by_and():
    program = plated(dist.Normal(0.0, 1.0), torch.zeros(3))
    inner = poutine.mask(program, mask=torch.tensor([True, True, False]))
    site = _site(poutine.mask(inner, mask=torch.tensor([False, True, True])))
    assert site["mask"].tolist() == [False, True, False]
    assert site["log_prob"].tolist() == pytest.approx([0.0, -0.9189385, 0.0])
    assert _site(poutine.mask(inner, mask=False))["log_prob_sum"] == 0.0
    assert torch.equal(_site(poutine.mask(inner, mask=True))["log_prob"], _site(inner)["log_prob"])


def test_a_false_mask_asks_nothing_of_the_distribution():
    class Unscorable(dist.Normal):
        def log_prob(self, value):
            raise ZeroDivisionError

    assert _site(poutine.mask(plated(Unscorable(0.0, 1.0), DATA), mask=False))["log_prob"].tolist() == [0.0] * 3


def test_a_masked_fit_equals_the_fit_of_the_rest():
    def model(data, keep):
        mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
        with virgil.plate("data", len(data)), poutine.mask(mask=keep):
            virgil.sample("x", dist.Normal(mu, 1.0), obs=data)

    def guide(data, keep):
        virgil.sample("mu", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 0.5))

    results = []
    for data in (DATA, DATA[KEEP]):
        virgil.set_rng_seed(0)
        store = virgil.ParamStore()
        optim = virgil.optim.SGD({"lr": 0.1})
        svi = virgil.infer.SVI(model, guide, optim, virgil.infer.Trace_ELBO(), params=store)
        results.append(svi.run(20, data, ~data.isnan()))
    assert torch.allclose(results[0].losses, results[1].losses, rtol=1e-5)
    assert torch.isclose(results[0].params["loc"], results[1].params["loc"], rtol=1e-5)


def test_scales_multiply():
    program = plated(dist.Normal(0.0, 1.0), torch.zeros(3))
    weights = torch.tensor([1.0, 2.0, 3.0])
    site = _site(poutine.scale(poutine.scale(program, scale=weights), scale=0.5))
    each = td.Normal(0.0, 1.0).log_prob(torch.zeros(()))
    assert torch.allclose(site["log_prob"], 0.5 * weights * each)
    assert torch.allclose(site["unscaled_log_prob"], each.expand(3))
    assert site["scale"].tolist() == [0.5, 1.0, 1.5]


def test_scale_leaves_the_draws_alone():
    def model():
        return virgil.sample("x", dist.Normal(0.0, 1.0))

    virgil.set_rng_seed(1)
    plain = model()
    virgil.set_rng_seed(1)
    assert poutine.scale(model, scale=100.0)() == plain


ERRORS = [
    (lambda: poutine.mask(), "mask() needs mask=, a bool or a tensor"),
    (
        lambda: poutine.mask(mask=torch.ones(3)),
        "got a tensor of dtype torch.float32; it takes torch.bool. Write mask.bool()",
    ),
    (lambda: poutine.mask(mask=1), "mask() got mask=1; it takes True, False or a tensor"),
    (lambda: poutine.scale(), "scale() needs scale=, a positive number"),
    (lambda: poutine.scale(scale=0.0), "scale=0.0, which must be positive. To leave statements out of the"),
    (lambda: poutine.scale(scale=torch.tensor([1.0, -1.0])), "which must be positive"),
    (lambda: poutine.scale(scale=torch.tensor(float("nan"))), "which must be positive"),
    (lambda: poutine.scale(scale=True), "scale() got scale=True; it takes a positive number"),
    (lambda: poutine.scale(scale="2"), "scale() got scale='2'; it takes a positive number"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors(call, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call()


def test_the_mask_that_a_statement_would_have():
    assert poutine.get_mask() is None
    mask = torch.tensor([True, False])
    with poutine.mask(mask=True), poutine.mask(mask=mask), poutine.trace() as tracer:
        assert torch.equal(poutine.get_mask(), mask)
        with poutine.block():
            assert poutine.get_mask() is None
        with poutine.mask(mask=False), virgil.plate("data", 2):
            assert not poutine.get_mask().any()
    assert list(tracer.trace) == ["data"]
