"""Importance sampling: evidence, weights and marginals against closed forms, at once and one after another."""

import math

import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import EmpiricalMarginal, Importance, TracePosterior, TracePredictive
from virgil.infer.importance import psis_diagnostic, vectorized_importance_weights

X = torch.tensor([1.0, 2.0, 0.5])
MEAN, SD = X.sum().item() / 4, 0.5  # of the posterior: prior N(0, 1), three observations with sd 1
EVIDENCE = stats.multivariate_normal(cov=torch.eye(3) + torch.ones(3, 3)).logpdf(X)
Z = 5.0  # standard errors; a normal error is beyond with a probability of 6e-7


def model(x=None):
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    w = virgil.sample("w", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    with virgil.plate("data", 3):
        virgil.sample("x", dist.Normal(z, 1.0), obs=x)
    return z + w.sum()


def guide(x):
    virgil.sample("z", dist.Normal(x.sum() / 4, 0.7))


def exact(x):
    virgil.sample("z", dist.Normal(x.sum() / 4, SD))


def test_the_mean_weight_is_the_evidence():
    posterior = Importance(model, guide, num_samples=2_000).run(X)
    shares = posterior.get_normalized_weights()
    error = math.sqrt((shares.square().sum() - 1 / 2_000).item())  # relative, of the mean weight
    assert abs(posterior.get_log_normalizer().item() - EVIDENCE) < Z * error
    assert shares.sum().item() == pytest.approx(1.0, rel=1e-5)
    torch.testing.assert_close(posterior.get_normalized_weights(log_scale=True), shares.log())
    assert posterior.get_ESS().item() == pytest.approx(1 / shares.square().sum().item(), rel=1e-4)
    z = EmpiricalMarginal(posterior, sites="z")
    assert abs(z.mean.item() - MEAN) < Z * SD / math.sqrt(posterior.get_ESS().item())


def test_all_weights_of_the_posterior_are_the_evidence_and_what_the_guide_leaves_out_cancels():
    posterior = Importance(model, exact, num_samples=20).run(X)
    torch.testing.assert_close(posterior.weights(), torch.full((20,), EVIDENCE, dtype=torch.float))


def test_without_a_guide_the_weights_are_likelihoods():
    posterior = Importance(model).run(X)
    assert len(posterior.exec_traces) == 10
    for trace, weight in zip(posterior.exec_traces, posterior.log_weights, strict=True):
        likelihood = dist.Normal(trace.nodes["z"]["value"], 1.0).log_prob(X).sum()
        torch.testing.assert_close(weight, likelihood)


def test_weights_at_once_are_those_one_by_one():
    weights, drawn, proposed = vectorized_importance_weights(model, guide, X, num_samples=50)
    values = drawn.nodes["z"]["value"].reshape(50)
    expected = dist.Normal(0.0, 1.0).log_prob(values) + dist.Normal(values[:, None], 1.0).log_prob(X).sum(-1)
    expected = expected - dist.Normal(X.sum() / 4, 0.7).log_prob(values)
    torch.testing.assert_close(weights.float(), expected, rtol=1e-4, atol=1e-5)
    assert proposed.nodes["z"]["value"] is drawn.nodes["z"]["value"]
    normalized, *_ = vectorized_importance_weights(model, guide, X, num_samples=50, normalized=True)
    assert normalized.logsumexp(0).item() == pytest.approx(0.0, abs=1e-9)


def test_the_tail_of_the_weights():
    """Weights of a wider guide are bounded; those of a guide with 0.4 of the sd have the tail 1 - 0.4**2 = 0.84."""

    def narrow(x):
        virgil.sample("z", dist.Normal(x.sum() / 4, 0.4 * SD))

    assert psis_diagnostic(model, guide, X, num_particles=2_000) < 0.3
    assert 0.6 < psis_diagnostic(model, narrow, X, num_particles=2_000, max_simultaneous_particles=500) < 1.1


def test_marginals_have_the_shapes_of_the_sites():
    posterior = Importance(model, guide, num_samples=6).run(X)
    assert EmpiricalMarginal(posterior, sites="w").sample((4,)).shape == (4, 2)
    assert EmpiricalMarginal(posterior, sites=["w"]).sample((4,)).shape == (4, 1, 2)
    assert EmpiricalMarginal(posterior).expand([3]).sample().shape == (3,)
    marginal = posterior.marginal(["z", "w"])
    assert {name: tuple(values.shape) for name, values in marginal.support().items()} == {"z": (6,), "w": (6, 2)}
    assert list(marginal.empirical) == ["z", "w"]
    again = posterior()
    assert again.stochastic_nodes == ["z", "w"]
    assert "x" not in again


class Chains(TracePosterior):
    """Executions of two chains, which take turns."""

    def _traces(self, x):
        for number in range(6):
            yield poutine.trace(model).get_trace(x), torch.tensor(0.0), number % 2


def test_chains_stand_in_a_batch_dim():
    posterior = Chains(num_chains=2).run(X)
    marginal = posterior.marginal("w")
    assert marginal.empirical["w"].batch_shape == (2,)
    assert marginal.support()["w"].shape == (2, 3, 2)
    assert marginal.support(flatten=True)["w"].shape == (6, 2)
    first = torch.stack([posterior.exec_traces[k].nodes["w"]["value"] for k in (0, 2, 4)])
    assert torch.equal(marginal.support()["w"][0], first)
    with pytest.raises(ArgumentError, match="execution of chain 1; with num_chains=1 chains are numbered from 0 to 0"):
        Chains().run(X)


def test_predictions_have_the_predictive_mean():
    posterior = Importance(model, exact, num_samples=400).run(X)
    predicted = TracePredictive(model, posterior, num_samples=400).run()
    x = predicted.marginal(["x"]).empirical["x"]
    error = math.sqrt((1 + 2 * SD**2) / 400)  # two samples of z, one of x
    assert ((x.mean - MEAN).abs() < Z * error).all()
    kept = TracePredictive(model, posterior, num_samples=5, keep_sites=["w"]).run()
    drawn = {tuple(trace.nodes["w"]["value"].tolist()) for trace in posterior.exec_traces}
    assert {tuple(trace.nodes["w"]["value"].tolist()) for trace in kept.exec_traces} <= drawn


def test_the_information_criterion_is_that_of_the_log_likelihoods():
    """By its definition, on weighted executions."""
    posterior = Importance(model, guide, num_samples=8).run(X)
    values = torch.stack([trace.nodes["z"]["value"] for trace in posterior.exec_traces])
    logs, shares = dist.Normal(values[:, None], 1.0).log_prob(X), posterior.get_normalized_weights()[:, None]
    density = (shares * logs.exp()).sum(0).log()
    variance = (shares * (logs - (shares * logs).sum(0)).square()).sum(0) * 8 / 7
    found = posterior.information_criterion(pointwise=True)
    torch.testing.assert_close(found["p_waic"], variance)
    torch.testing.assert_close(found["waic"], -2 * (density - variance))
    assert posterior.information_criterion()["waic"].item() == pytest.approx(found["waic"].sum().item(), rel=1e-5)


def two_shapes():
    virgil.sample("a", dist.Normal(0.0, 1.0))
    virgil.sample("b", dist.Normal(torch.zeros(2), 1.0).to_event(1))


def branching(x):
    if virgil.sample("z", dist.Normal(0.0, 1.0)) > 0:
        virgil.sample("more", dist.Normal(0.0, 1.0))


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: Importance(model, num_samples=0), "Importance got num_samples=0; it takes a number from 1"),
        (lambda: Importance(model).get_ESS(), r"no executions yet. Call run\(\)"),
        (lambda: EmpiricalMarginal(3), "got an int as its first argument; it takes a TracePosterior"),
        (lambda: EmpiricalMarginal(Importance(two_shapes).run()), "The model returns None; .* Give sites="),
        (lambda: EmpiricalMarginal(Importance(two_shapes).run(), ["a", "b"]), "different shapes, .*'b': .2,"),
        (lambda: EmpiricalMarginal(Importance(two_shapes).run(), "aa"), "no site 'aa'.*'a'"),
        (lambda: Importance(two_shapes).run().information_criterion(), "no observation in the executions"),
        (lambda: TracePredictive(model, Importance(model).run(X), 2).run().marginal(), "needs the names of sites"),
        (lambda: vectorized_importance_weights(branching, lambda x: None, X, num_samples=9), "Use Importance"),
        (lambda: psis_diagnostic(model, guide, X, num_particles=0), "must be numbers from 1"),
    ],
)
def test_mistakes_are_refused(mistake, message):
    with pytest.raises(ArgumentError, match=message):
        mistake()
