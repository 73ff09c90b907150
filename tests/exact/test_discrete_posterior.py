"""Most probable assignments, joint samples and marginals against a brute-force sum over all assignments."""

import itertools

import pytest
import torch
from scipy.stats import chi2

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError, FitWarning, NonFiniteError, SupportError
from virgil.infer import TraceEnum_ELBO, config_enumerate, infer_discrete

torch.manual_seed(0)
DATA = torch.tensor([-1.5, 0.3, 2.0, 0.7], dtype=torch.float64)
SHARES = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
LOCS = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)
MOVES = torch.randn(3, 3, dtype=torch.float64).softmax(-1)


def one(dtype=torch.float64):
    return torch.ones((), dtype=dtype)


def mixture():
    with virgil.plate("data", 4):
        z = virgil.sample("z", dist.Categorical(SHARES))
        virgil.sample("x", dist.Normal(LOCS[z], one()), obs=DATA)


def chain():
    state = None
    for t in virgil.markov(range(4)):
        state = virgil.sample(f"z{t}", dist.Categorical(SHARES if state is None else MOVES[state]))
        virgil.sample(f"x{t}", dist.Normal(LOCS[state], one()), obs=DATA[t])


def second_order():
    before, state = torch.tensor(0), torch.tensor(1)
    for t in virgil.markov(range(4), history=2):
        new = virgil.sample(f"z{t}", dist.Categorical((MOVES[state] + MOVES[before]) / 2))
        virgil.sample(f"x{t}", dist.Normal(LOCS[new], one()), obs=DATA[t])
        before, state = state, new


def chain_at_once():
    state = None
    for t in virgil.vectorized_markov("time", 4, dim=-1):
        state = virgil.sample(f"z{t}", dist.Categorical(SHARES if state is None else MOVES[state]))
        virgil.sample(f"x{t}", dist.Normal(LOCS[state], one()), obs=DATA[t])


def second_order_at_once():
    before, state = torch.tensor(0), torch.tensor(1)
    for t in virgil.vectorized_markov("time", 4, dim=-1, history=2):
        new = virgil.sample(f"z{t}", dist.Categorical((MOVES[state] + MOVES[before]) / 2))
        virgil.sample(f"x{t}", dist.Normal(LOCS[new], one()), obs=DATA[t])
        before, state = state, new


def factorial_at_once():
    """Two chains a step, one of them in a plate: each slot of its own depends on the other."""
    left, right = torch.zeros((), dtype=torch.float64), torch.tensor(0)
    with virgil.plate("sequences", 2, dim=-2):
        for t in virgil.vectorized_markov("time", 2, dim=-1):
            left = virgil.sample(f"left{t}", dist.Bernoulli(0.3 + 0.4 * left))
            right = virgil.sample(f"right{t}", dist.Categorical(MOVES[(right + left.long()) % 3]))
            rows = DATA.reshape(2, 2)[:, [t] if isinstance(t, int) else t]
            virgil.sample(f"x{t}", dist.Normal(LOCS[right] + left, one()), obs=rows)


def shared_above():
    scheme = virgil.sample("scheme", dist.Bernoulli(torch.tensor(0.4, dtype=torch.float64)))
    with virgil.plate("data", 4):
        z = virgil.sample("z", dist.Categorical(torch.stack([SHARES, SHARES.flip(0)])[scheme.long()]))
        virgil.sample("x", dist.Normal(LOCS[z], one()), obs=DATA)


def nested():
    with virgil.plate("groups", 2, dim=-2):
        kind = virgil.sample("kind", dist.Bernoulli(torch.tensor(0.3, dtype=torch.float64)))
        with virgil.plate("data", 2, dim=-1):
            z = virgil.sample("z", dist.Categorical(torch.stack([SHARES, SHARES.flip(0)])[kind.long()]))
            virgil.sample("x", dist.Normal(LOCS[z], one()), obs=DATA.reshape(2, 2))


AT_ONCE = [chain_at_once, second_order_at_once, factorial_at_once]
MODELS = [mixture, chain, second_order, shared_above, nested, *AT_ONCE]
every = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def assignments(model):
    """Every joint assignment of the discrete sites, with its log joint density."""
    latent = dict(poutine.trace(model).get_trace().iter_stochastic_nodes())
    choices = []
    for site in latent.values():
        values = site.fn.enumerate_support(expand=False).flatten().tolist()
        choices.append(list(itertools.product(values, repeat=site.value.numel())))
    for flat in itertools.product(*choices):
        data = {
            name: torch.tensor(each, dtype=site.value.dtype).reshape(site.value.shape)
            for (name, site), each in zip(latent.items(), flat, strict=True)
        }
        log_joint = poutine.trace(poutine.condition(model, data=data)).get_trace().log_prob_sum()
        yield data, float(log_joint)


def key(values):
    return tuple(tuple(each.flatten().tolist()) for each in values.values())


@every
def test_temperature_zero_gives_the_jointly_most_probable_assignment(model):
    best, _ = max(assignments(model), key=lambda each: each[1])
    found = poutine.trace(infer_discrete(config_enumerate(model), temperature=0)).get_trace()
    assert key({name: found.nodes[name].value for name in best}) == key(best)


@every
def test_marginals_are_those_of_brute_force(model):
    table = list(assignments(model))
    weights = torch.tensor([log_joint for _, log_joint in table], dtype=torch.float64).softmax(0)
    marginals = TraceEnum_ELBO().compute_marginals(config_enumerate(model), lambda: None)
    for name, marginal in marginals.items():
        for value in range(2 if isinstance(marginal, dist.Bernoulli) else 3):
            hits = torch.stack([(data[name] == value).double() for data, _ in table])
            expected = torch.tensordot(weights, hits, dims=1)
            at = torch.full(expected.shape, float(value), dtype=torch.float64)
            torch.testing.assert_close(marginal.log_prob(at).exp(), expected, rtol=1e-6, atol=1e-9)


def sampled(models, in_every_check):
    """Runs a test for each of these models, for most of them only in ``make check-thorough``."""
    thorough = pytest.mark.thorough
    return pytest.mark.parametrize(
        "model",
        [pytest.param(each, id=each.__name__, marks=() if each in in_every_check else thorough) for each in models],
    )


@pytest.mark.long
@sampled(MODELS, in_every_check=[shared_above, chain_at_once])
def test_samples_have_the_frequencies_of_the_joint_posterior(model):
    """Chi-square over joint assignments, rare ones pooled; the bound is the quantile at 1 - 1e-6."""
    virgil.set_rng_seed(1)
    table = list(assignments(model))
    weights = torch.tensor([log_joint for _, log_joint in table], dtype=torch.float64).softmax(0).tolist()
    draws = 1_000
    sampler = infer_discrete(config_enumerate(model), temperature=1)
    counts: dict[object, int] = {}
    for _ in range(draws):
        nodes = poutine.trace(sampler).get_trace().nodes
        drawn = key({name: nodes[name].value for name in table[0][0]})
        counts[drawn] = counts.get(drawn, 0) + 1
    expected = {key(data): weight * draws for (data, _), weight in zip(table, weights, strict=True)}
    common = [each for each, number in expected.items() if number >= 5]
    rare, rare_count = (
        draws - sum(expected[each] for each in common),
        draws - sum(counts.get(each, 0) for each in common),
    )
    statistic = sum((counts.get(each, 0) - expected[each]) ** 2 / expected[each] for each in common)
    if rare >= 1:
        statistic += (rare_count - rare) ** 2 / rare
    assert statistic < chi2.ppf(1 - 1e-6, len(common))


@pytest.mark.parametrize("model", AT_ONCE, ids=lambda model: model.__name__)
def test_marginals_and_values_of_steps_at_once_have_the_shapes_of_single_ones(model):
    names = [(name, site.value.shape) for name, site in poutine.trace(model).get_trace().iter_stochastic_nodes()]
    marginals = TraceEnum_ELBO().compute_marginals(config_enumerate(model), lambda: None)
    inferred = poutine.trace(infer_discrete(config_enumerate(model), temperature=0)).get_trace()
    assert {name: marginal.batch_shape for name, marginal in marginals.items()} == dict(names)
    assert [(name, site.value.shape) for name, site in inferred.iter_stochastic_nodes()] == names


def test_marginals_of_a_mini_batch_are_those_of_its_slots():
    """The posterior of a slot does not depend on how many slots the mini-batch stands for."""

    @config_enumerate
    def model():
        with virgil.plate("data", 400, subsample=torch.arange(4)):
            z = virgil.sample("z", dist.Categorical(SHARES))
            virgil.sample("x", dist.Normal(LOCS[z], one()), obs=DATA)

    whole = TraceEnum_ELBO().compute_marginals(config_enumerate(mixture), lambda: None)["z"].probs
    part = TraceEnum_ELBO().compute_marginals(model, lambda: None)["z"].probs
    torch.testing.assert_close(part, whole)


def test_sample_posterior_conditions_on_the_guide_and_returns_what_the_model_does():
    @config_enumerate
    def model():
        loc = virgil.sample("loc", dist.Normal(0.0, 1.0))
        on = virgil.sample("on", dist.Bernoulli(0.5))
        virgil.sample("x", dist.Normal(loc + 100 * on, 1.0), obs=torch.tensor(105.0))
        return loc, on

    loc, on = TraceEnum_ELBO().sample_posterior(model, lambda: virgil.sample("loc", dist.Delta(torch.tensor(5.0))))
    assert (loc.item(), on.item()) == (5.0, 1.0)


def test_one_draw_of_the_other_variables_serves_inference_and_run():
    @config_enumerate
    def model():
        loc = virgil.sample("loc", dist.Normal(0.0, 10.0))
        sign = virgil.sample("sign", dist.Bernoulli(0.5))
        virgil.sample("x", dist.Normal((2 * sign - 1) * loc, 0.01), obs=loc.detach())

    virgil.set_rng_seed(2)
    for _ in range(20):
        nodes = poutine.trace(infer_discrete(model, temperature=0)).get_trace().nodes
        assert nodes["sign"].value == 1.0  # only with the same loc is the observation exactly sign * loc


def test_where_nothing_is_summed_out_there_are_no_marginals():
    with pytest.warns(FitWarning, match="finds nothing to sum out"):
        assert TraceEnum_ELBO().compute_marginals(lambda: None, lambda: None) == {}
    marked = config_enumerate(lambda: virgil.sample("k", dist.Categorical(torch.ones(2))))
    stated = lambda: virgil.sample("k", dist.Categorical(torch.ones(2)))  # noqa: E731 - a program of one line
    assert TraceEnum_ELBO().compute_marginals(marked, stated) == {}


def test_draws_of_the_posterior_where_nothing_is_summed_out_are_those_of_the_guide():
    def model():
        return virgil.sample("z", dist.Normal(0.0, 1.0))

    def guide():
        virgil.sample("z", dist.Delta(torch.tensor(3.0)))

    assert TraceEnum_ELBO(strict_enumeration_warning=False).sample_posterior(model, guide) == 3.0
    with pytest.warns(FitWarning, match="no discrete variable to infer"):
        TraceEnum_ELBO().sample_posterior(model, guide)


def test_mistakes():
    with pytest.raises(ArgumentError, match="temperature=2; it takes 1"):
        infer_discrete(mixture, temperature=2)
    with pytest.raises(ArgumentError, match="num_particles=3"):
        TraceEnum_ELBO(num_particles=3).compute_marginals(config_enumerate(mixture), lambda: None)


def _counts(x):
    """Counts of an unknown number of trials below 5, all numbers equally likely."""

    def model():
        with virgil.plate("data", len(x)):
            n = virgil.sample("n", dist.Categorical(torch.ones(5, dtype=torch.float64)))
            virgil.sample("x", dist.Binomial(n, torch.tensor(0.5, dtype=torch.float64)), obs=torch.tensor(x))

    return config_enumerate(model)


def test_values_that_forbid_an_observation_have_probability_zero():
    """Of x successes with probability one half, the likelihood of n is (n choose x) / 2 ** n."""
    model = _counts([3.0, 1.0])
    likelihood = torch.tensor([[0.0, 0.0, 0.0, 1 / 8, 4 / 16], [0.0, 1 / 2, 2 / 4, 3 / 8, 4 / 16]], dtype=torch.float64)
    marginals = TraceEnum_ELBO().compute_marginals(model, lambda: None)["n"]
    torch.testing.assert_close(marginals.probs, likelihood / likelihood.sum(-1, keepdim=True))
    best = poutine.trace(infer_discrete(model, temperature=0)).get_trace().nodes["n"].value
    assert best[0] == 4
    assert best[1] in (1, 2)
    draws = [poutine.trace(infer_discrete(model)).get_trace().nodes["n"].value for _ in range(100)]
    assert (torch.stack(draws) >= torch.tensor([3, 1])).all()


def test_no_posterior_of_what_is_impossible():
    for temperature in (0, 1):
        with pytest.raises(SupportError, match=r"At site 'x' .*under every value.*such as 6 at index \(1,\)"):
            infer_discrete(_counts([3.0, 6.0]), temperature=temperature)()

    @config_enumerate
    def apart():
        n = virgil.sample("n", dist.Categorical(torch.ones(2)))
        virgil.sample("x", dist.Uniform(n, n + 1.0), obs=torch.tensor(0.5))
        virgil.sample("y", dist.Uniform(n, n + 1.0), obs=torch.tensor(1.5))

    with pytest.raises(NonFiniteError, match="'n' have no posterior"):
        infer_discrete(apart)()


def test_marginals_keep_probabilities_far_below_rounding():
    @config_enumerate
    def model():
        which = virgil.sample("which", dist.Categorical(torch.tensor([0.5, 0.5])))
        virgil.sample("x", dist.Normal(torch.tensor([0.0, 8.0])[which], 1.0), obs=torch.tensor(0.0))

    marginal = TraceEnum_ELBO().compute_marginals(model, lambda: None)["which"]
    assert marginal.log_prob(torch.tensor(1)).item() == pytest.approx(-32.0, rel=1e-5)
