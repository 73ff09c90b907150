"""Discrete programs of the tutorials: implicature, capture and recapture, semi-supervised classes, causes."""

import itertools
import queue

import numpy as np
import pyro
import pyro.distributions as dist
import pyro.poutine as poutine
import pytest
import torch
from pyro.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate, infer_discrete
from pyro.infer.autoguide import AutoDelta

# Rational speech acts (Frank and Goodman 2012): "some" is said of one apple up to all three.

STATES = 4
MEANINGS = {"none": lambda n: n == 0, "some": lambda n: n > 0, "all": lambda n: n == 3}


def distribution_of(program, *args):
    """The distribution of a program's result, by going through all its executions."""
    traces = queue.Queue()
    traces.put(poutine.Trace())
    explored = poutine.trace(poutine.queue(program, queue=traces))
    weights = {}
    while not traces.empty():
        with poutine.block():  # an inference inside another one is none of its statements
            trace = explored.get_trace(*args)
        result = trace.nodes["_RETURN"]["value"]
        weights[result] = weights.get(result, 0.0) + trace.log_prob_sum().exp().item()
    total = sum(weights.values())
    return {result: weight / total for result, weight in weights.items()}


def literal_listener(words):
    state = int(pyro.sample("state", dist.Categorical(torch.ones(STATES))))
    pyro.factor("meaning", torch.tensor(0.0 if MEANINGS[words](state) else -1e3))
    return state


def speaker(state):
    words = list(MEANINGS)[int(pyro.sample("words", dist.Categorical(torch.ones(3))))]
    chance = distribution_of(literal_listener, words).get(state, 0.0)
    pyro.factor("heard", torch.tensor(chance).clamp_min(1e-30).log())
    return words


def pragmatic_listener(words):
    state = int(pyro.sample("state", dist.Categorical(torch.ones(STATES))))
    pyro.factor("said", torch.tensor(distribution_of(speaker, state)[words]).clamp_min(1e-30).log())
    return state


def test_some_implicates_not_all():
    truth = np.array([[meaning(n) for n in range(STATES)] for meaning in MEANINGS.values()], dtype=float)
    literal = truth / truth.sum(1, keepdims=True)
    says = literal / literal.sum(0, keepdims=True)
    expected = says[1] / says[1].sum()
    found = distribution_of(pragmatic_listener, "some")
    assert [found[n] for n in range(STATES)] == pytest.approx(list(expected), abs=1e-6)
    assert found[3] < found[1]


# Capture and recapture (Cormack 1964; Jolly 1965; Seber 1965), with survival and capture the same in all years.

CAPTURED = torch.tensor([[1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0]], dtype=torch.float)


def capture_model(history):
    animals, years = history.shape
    survival = pyro.sample("survival", dist.Uniform(0.0, 1.0))
    capture = pyro.sample("capture", dist.Uniform(0.0, 1.0))
    with pyro.plate("animals", animals, dim=-1):
        alive = torch.ones(animals)
        seen = torch.zeros(animals).bool()
        for t in pyro.markov(range(years)):
            with poutine.mask(mask=seen):
                chance = torch.where(seen, survival * alive, torch.ones(()))
                alive = pyro.sample(f"alive_{t}", dist.Bernoulli(chance), infer={"enumerate": "parallel"})
                pyro.sample(f"caught_{t}", dist.Bernoulli(capture * alive), obs=history[:, t])
            seen = seen | history[:, t].bool()


def capture_likelihood(history, survival, capture):
    """The probability of each history after its first capture, over all years of death."""
    total = 0.0
    for row in history.numpy():
        first, years = int(row.argmax()), len(row)
        probability = 0.0
        for last in range(first, years):  # alive up to this year
            chance = survival ** (last - first) * (1.0 if last == years - 1 else 1 - survival)
            for t in range(first + 1, years):
                caught = capture if t <= last else 0.0
                chance *= caught if row[t] else 1 - caught
            probability += chance
        total += np.log(probability)
    return total


def test_histories_have_the_probability_of_all_years_of_death():
    values = {"survival": torch.tensor(0.7), "capture": torch.tensor(0.4)}
    fixed = poutine.condition(capture_model, data=values)
    loss = TraceEnum_ELBO(max_plate_nesting=1).loss(fixed, lambda history: None, CAPTURED)
    assert -loss == pytest.approx(capture_likelihood(CAPTURED, 0.7, 0.4), rel=1e-5)


# A semi-supervised variational auto-encoder (Kingma et al. 2014), with matrices for networks.

W_X = torch.tensor([[0.5, -1.0], [1.0, 0.3], [-0.7, 0.8]])
W_Y = torch.tensor([[0.2, -0.4], [0.6, 0.1], [-0.3, 0.9]])


def ss_model(xs, ys=None):
    with pyro.plate("data", len(xs)):
        z = pyro.sample("z", dist.Normal(torch.zeros(len(xs), 2), 1.0).to_event(1))
        y = pyro.sample("y", dist.OneHotCategorical(torch.tensor([0.2, 0.3, 0.5])), obs=ys)
        pyro.sample("x", dist.Normal(z + y @ W_X, 0.5).to_event(1), obs=xs)


def ss_guide(xs, ys=None):
    with pyro.plate("data", len(xs)):
        if ys is None:
            ys = pyro.sample("y", dist.OneHotCategorical(logits=xs @ W_X.T))
        pyro.sample("z", dist.Normal(0.5 * xs + ys @ W_Y, 0.7).to_event(1))


def test_the_unsupervised_loss_averages_over_classes():
    """With the latent code at its guide's mean the loss is an exact sum over classes, written out."""
    xs = torch.tensor([[0.3, -0.2], [1.0, 0.4]])
    chances = torch.softmax(xs @ W_X.T, -1)
    bound = 0.0
    for n, k in itertools.product(range(2), range(3)):
        z = 0.5 * xs[n] + W_Y[k]
        prior = dist.Normal(0.0, 1.0).log_prob(z).sum() + torch.tensor([0.2, 0.3, 0.5])[k].log()
        likelihood = dist.Normal(z + W_X[k], 0.5).log_prob(xs[n]).sum()
        bound += chances[n, k] * (prior + likelihood - dist.Normal(z, 0.7).log_prob(z).sum() - chances[n, k].log())

    class Mean(poutine.messenger.Messenger):
        def _pyro_sample(self, msg):
            if msg["name"] == "z" and msg["value"] is None:
                msg["value"] = msg["fn"].mean

    guide = config_enumerate(ss_guide, "parallel", expand=True)
    found = TraceEnum_ELBO(max_plate_nesting=1).loss(ss_model, Mean()(guide), xs)
    assert -found == pytest.approx(bound.item(), rel=1e-5)


def test_labels_make_it_supervised():
    xs, ys = torch.tensor([[0.3, -0.2]]), torch.tensor([[0.0, 1.0, 0.0]])
    pyro.set_rng_seed(0)
    loss = Trace_ELBO().loss(ss_model, ss_guide, xs, ys)
    assert np.isfinite(loss)
    assert poutine.trace(ss_guide).get_trace(xs, ys).stochastic_nodes == ["data", "z"]


# Causes: Simpson's paradox, by `do`.


def treatment():
    severe = pyro.sample("severe", dist.Bernoulli(0.5))
    treated = pyro.sample("treated", dist.Bernoulli(0.2 + 0.6 * severe))
    return pyro.sample("recovers", dist.Bernoulli(0.7 - 0.5 * severe + 0.2 * treated))


def chance(program):
    """The probability that a program's result is one, by going through all its executions."""
    return distribution_of(lambda: int(program()))[1]


def test_an_intervention_is_no_observation():
    def seen(value):
        def program():
            return poutine.condition(treatment, data={"treated": torch.tensor(value)})()

        return chance(program)

    effect = chance(pyro.do(treatment, data={"treated": torch.tensor(1.0)})) - chance(
        pyro.do(treatment, data={"treated": torch.tensor(0.0)})
    )
    assert effect == pytest.approx(0.2, abs=1e-5)
    assert seen(1.0) == pytest.approx((0.2 * 0.9 + 0.8 * 0.4) / 1.0, abs=1e-5)
    assert seen(1.0) - seen(0.0) == pytest.approx(0.5 - (0.8 * 0.7 + 0.2 * 0.2), abs=1e-5)


# A Dirichlet process mixture, truncated.


def sticks(beta):
    remaining = torch.cumprod(1 - beta, -1)
    return torch.nn.functional.pad(beta, (0, 1), value=1) * torch.nn.functional.pad(remaining, (1, 0), value=1)


@config_enumerate
def dp_model(data, count):
    with pyro.plate("sticks", count - 1):
        beta = pyro.sample("beta", dist.Beta(1, 1.0))
    with pyro.plate("components", count):
        rate = pyro.sample("rate", dist.Gamma(1.0, 0.1))
    with pyro.plate("data", len(data)):
        cluster = pyro.sample("cluster", dist.Categorical(sticks(beta)))
        pyro.sample("counts", dist.Poisson(rate[cluster]), obs=data)


@pytest.mark.long
def test_clusters_of_a_dirichlet_process():
    pyro.set_rng_seed(1)
    data = torch.tensor([2.0, 3.0, 1.0, 2.0, 30.0, 28.0, 33.0, 31.0, 2.0, 29.0])
    guide = AutoDelta(poutine.block(dp_model, hide=["cluster"]))
    svi = SVI(dp_model, guide, pyro.optim.Adam({"lr": 0.05}), TraceEnum_ELBO(max_plate_nesting=1))
    for _ in range(400):
        svi.step(data, 3)
    found = infer_discrete(poutine.condition(dp_model, data=guide(data, 3)), first_available_dim=-2, temperature=0)
    clusters = poutine.trace(found).get_trace(data, 3).nodes["cluster"]["value"]
    assert len({int(each) for each in clusters[data > 10]} & {int(each) for each in clusters[data < 10]}) == 0
