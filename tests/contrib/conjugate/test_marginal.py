"""Collapsed observations against integrals, and latent variables drawn again against closed-form posteriors."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.contrib.conjugate import (
    BetaBinomialPair,
    GammaPoissonPair,
    collapse_conjugate,
    posterior_replay,
    uncollapse_conjugate,
)
from virgil.errors import ArgumentError

A, B, N = 1.5, 2.5, 6
COUNTS = torch.tensor([[3.0, 0.0, 6.0], [2.0, 1.0, 5.0]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


def coins(heads, rows=COUNTS.shape[0]):
    """Three coins, each thrown in every row."""
    pair = BetaBinomialPair()
    with virgil.plate("coins", 3, dim=-1):
        p = virgil.sample("p", pair.latent(A, B))
        with virgil.plate("rows", rows, dim=-2):
            return virgil.sample("heads", pair.conditional(total_count=N, probs=p), obs=heads)


def queues(counts):
    """Three rates, each of which gives a count in every row."""
    pair = GammaPoissonPair()
    with virgil.plate("queues", 3, dim=-1):
        rate = virgil.sample("p", pair.latent(A, B))
        with virgil.plate("rows", COUNTS.shape[0], dim=-2):
            virgil.sample("heads", pair.conditional(rate), obs=counts)


def evidence_of_coin(heads):
    """The probability of one coin's counts, by quadrature over p."""
    return integrate.quad(lambda p: np.prod(stats.binom.pmf(heads, N, p)) * stats.beta.pdf(p, A, B), 0, 1)[0]


def evidence_of_queue(counts):
    def joint(rate):
        return np.prod(stats.poisson.pmf(counts, rate)) * stats.gamma.pdf(rate, A, scale=1 / B)

    return integrate.quad(joint, 0, np.inf, limit=200)[0]


def collapsed(model, *args):
    return poutine.trace(collapse_conjugate(model)).get_trace(*args)


PROGRAMS = [pytest.param(coins, evidence_of_coin, id="coins"), pytest.param(queues, evidence_of_queue, id="queues")]


@pytest.mark.parametrize(("model", "evidence"), PROGRAMS)
def test_the_joint_density_is_the_integral_over_the_latent_variable(model, evidence):
    trace = collapsed(model, COUNTS)
    expected = sum(math.log(evidence(column)) for column in COUNTS.T.numpy())
    assert "p" not in trace
    assert trace["heads"].log_prob.shape == (2, 3)
    assert trace.log_prob_sum().item() == pytest.approx(expected, rel=1e-7)


def test_events_are_collapsed_as_batches_are():
    def model(heads):
        pair = BetaBinomialPair()
        p = virgil.sample("p", pair.latent(torch.tensor([A] * 3), B).to_event(1))
        with virgil.plate("rows", 2):
            virgil.sample("heads", pair.conditional(total_count=N, probs=p).to_event(1), obs=heads)

    trace = collapsed(model, COUNTS)
    expected = sum(math.log(evidence_of_coin(column)) for column in COUNTS.T.numpy())
    assert trace["heads"].log_prob.shape == (2,)
    assert trace.log_prob_sum().item() == pytest.approx(expected, rel=1e-7)


def test_observations_at_several_sites_share_the_variable():
    def model(heads):
        pair = BetaBinomialPair()
        p = virgil.sample("p", pair.latent(A, B))
        for row, each in enumerate(heads):
            virgil.sample(f"heads_{row}", pair.conditional(total_count=N, probs=p), obs=each)

    expected = math.log(evidence_of_coin(COUNTS[:, 0].numpy()))
    assert collapsed(model, COUNTS[:, 0]).log_prob_sum().item() == pytest.approx(expected, rel=1e-7)


def test_plates_outside_of_the_handler_count_as_those_inside():
    def model(heads):
        pair = BetaBinomialPair()
        p = virgil.sample("p", pair.latent(A, B))
        with virgil.plate("rows", 2, dim=-2):
            virgil.sample("heads", pair.conditional(total_count=N, probs=p), obs=heads)

    with poutine.trace() as tracer, virgil.plate("coins", 3, dim=-1):
        collapse_conjugate(model)(COUNTS)
    assert tracer.trace.log_prob_sum().item() == pytest.approx(collapsed(coins, COUNTS).log_prob_sum().item())


def test_counts_that_are_drawn_share_their_variable():
    # Var(k) and Cov(k, k') of two counts of one coin; 40,000 pairs, 5 standard errors by the normal limit: 1e-6
    draws = collapsed(coins, None, 2)["heads"].fn.sample((40_000,))[..., 0]
    first, second = draws[:, 0], draws[:, 1]
    p = stats.beta(A, B)
    products = (first - N * p.mean()) * (second - N * p.mean())
    assert products.mean().item() == pytest.approx(N**2 * p.var(), abs=5 * products.std().item() / 200)
    assert first.mean().item() == pytest.approx(N * p.mean(), abs=5 * first.std().item() / 200)


def test_an_expanded_marginal_repeats_the_variable():
    fn = collapsed(coins, COUNTS)["heads"].fn
    assert torch.equal(fn.expand((5, 2, 3)).log_prob(COUNTS)[3], fn.log_prob(COUNTS))
    assert fn.log_prob(COUNTS.expand(4, 2, 3)).shape == (4, 2, 3)


@pytest.mark.parametrize(
    ("model", "exact"),
    [
        (coins, lambda total: stats.beta(A + total, B + 2 * N - total)),
        (queues, lambda total: stats.gamma(A + total, scale=1 / (B + 2))),
    ],
)
def test_the_variable_is_drawn_from_its_posterior(model, exact):
    trace = collapsed(model, COUNTS)
    site = poutine.trace(uncollapse_conjugate(model, trace)).get_trace(COUNTS)["p"]
    total = COUNTS.sum(0).numpy()
    assert site.value.shape == (3,)
    assert site.log_prob.numpy() == pytest.approx(exact(total).logpdf(site.value.numpy()), rel=1e-9)
    assert site.fn.mean.numpy() == pytest.approx(exact(total).mean())


def test_replayed_draws_have_the_posterior_predictive_mean():
    def model(count):
        pair = GammaPoissonPair()
        shape = virgil.sample("shape", dist.Gamma(4.0, 1.0))
        rate = virgil.sample("rate", pair.latent(shape, B))
        return virgil.sample("count", pair.conditional(rate), obs=count)

    shapes = torch.full((2_000,), A)
    draws = posterior_replay(model, {"shape": shapes}, torch.tensor(3.0))
    assert draws.keys() == {"shape", "rate"}
    assert torch.equal(draws["shape"], shapes)
    posterior = stats.gamma(A + 3, scale=1 / (B + 1))
    # the false alarm of the two tests by 5 standard errors: below 1e-5
    assert draws["rate"].mean().item() == pytest.approx(posterior.mean(), abs=5 * posterior.std() / 2_000**0.5)
    again = posterior_replay(model, draws, None)
    assert torch.equal(again["rate"], draws["rate"])
    spread = (posterior.mean() + posterior.var()) ** 0.5
    assert again["count"].mean().item() == pytest.approx(posterior.mean(), abs=5 * spread / 2_000**0.5)


def test_a_latent_variable_with_a_value_is_left_in():
    heads = torch.tensor(4.0)

    def model():
        pair = BetaBinomialPair()
        p = virgil.sample("p", pair.latent(A, B), obs=torch.tensor(0.25))
        virgil.sample("heads", pair.conditional(total_count=N, probs=p), obs=heads)

    trace = collapsed(model)
    assert trace["heads"].log_prob.item() == pytest.approx(stats.binom.logpmf(4, N, 0.25))


def test_pairs_know_posterior_and_compound():
    pair = BetaBinomialPair()
    pair.latent(A, B)
    pair.conditional(total_count=N, probs=0.5)
    assert pair.posterior(COUNTS[:, 0]).mean.item() == pytest.approx(stats.beta(A + 5, B + 2 * N - 5).mean())
    assert pair.compound().log_prob(torch.tensor(2.0)).item() == pytest.approx(stats.betabinom.logpmf(2, N, A, B))
    with pytest.raises(ArgumentError, match=r"GammaPoissonPair.posterior\(\) needs both distributions."):
        GammaPoissonPair().posterior(torch.tensor(1.0))


@pytest.mark.parametrize(
    "weights", [lambda: poutine.mask(mask=torch.tensor([True, True, False])), lambda: poutine.scale(scale=2.0)]
)
def test_weights_of_observations_that_depend_on_each_other_are_refused(weights):
    def model(heads):
        with weights():
            return coins(heads)

    with pytest.raises(ArgumentError, match="'heads' that share the latent variable 'p' and are masked, scaled or"):
        collapsed(model, COUNTS)


def test_mini_batches_are_refused_and_weights_of_independent_observations_are_not():
    def model(heads, size):
        pair = BetaBinomialPair()
        with virgil.plate("coins", 3, subsample_size=size), poutine.scale(scale=2.0):
            p = virgil.sample("p", pair.latent(A, B))
            virgil.sample("heads", pair.conditional(total_count=N, probs=p), obs=heads[:size])

    single = stats.betabinom.logpmf(COUNTS[0].numpy(), N, A, B)
    assert collapsed(model, COUNTS[0], 3).log_prob_sum().item() == pytest.approx(2 * single.sum())
    assert collapsed(model, COUNTS[0], 2).log_prob_sum().item() == pytest.approx(2 * 1.5 * single[:2].sum())

    def shared(heads):
        pair = BetaBinomialPair()
        p = virgil.sample("p", pair.latent(A, B))
        with virgil.plate("rows", 3, subsample_size=2):
            virgil.sample("heads", pair.conditional(total_count=N, probs=p), obs=heads[:2])

    with pytest.raises(ArgumentError, match="or a mini-batch"):
        collapsed(shared, COUNTS[0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: uncollapse_conjugate(coins), "uncollapse_conjugate() got trace=None; it takes a trace"),
        (lambda: posterior_replay(coins, {}, COUNTS), "got draws of no site, of no rows."),
        (lambda: posterior_replay(coins, {"a": torch.ones(2), "b": torch.ones(3)}), "of a, b, of 2 and 3 rows."),
    ],
)
def test_mistakes_are_named(wrong, message):
    with pytest.raises(ArgumentError) as error:
        wrong()
    assert message in str(error.value)
