"""Values of probability zero contribute nothing, to values or gradients, wherever a formula has their logarithm.

What both distributions of a divergence forbid counts 0; what only the second forbids makes it infinite. Everything is
compared with sums over the values that are possible, in double precision.
"""

import math

import pytest
import torch
from torch import distributions as td
from torch.distributions.kl import _KL_REGISTRY

import virgil
import virgil.distributions as dist
from virgil.distributions import kl_divergence
from virgil.infer import TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate

INF = math.inf
WEIGHTS = {"p": [0.4, 0.6, 0.0, 0.0], "q": [0.3, 0.5, 0.2, 0.0]}
LABELS = [dist.Categorical, dist.OneHotCategorical, dist.OneHotCategoricalStraightThrough]


def given(by, weights):
    """The argument, with a gradient: weights, or unnormalised logarithms of them."""
    tensor = torch.tensor(weights, dtype=torch.double)
    return (3.0 * tensor if by == "probs" else tensor.log() + 0.7).requires_grad_()


def made(family, by, argument):
    return family(**{by: argument})


def allowed(by, argument, keep):
    """Logarithms of the probabilities of the labels in ``keep``, computed without the others."""
    logs = argument[keep].log() if by == "probs" else argument[keep]
    return torch.log_softmax(logs, -1)


def slopes(value, *arguments):
    return torch.autograd.grad(value.sum(), arguments, allow_unused=True, retain_graph=True)


@pytest.mark.parametrize("by_p", ["probs", "logits"])
@pytest.mark.parametrize("by_q", ["probs", "logits"])
@pytest.mark.parametrize("family", LABELS)
@pytest.mark.parametrize("torchs", ["neither", "p", "q"])
def test_a_divergence_of_labels_is_the_sum_over_possible_ones(family, by_p, by_q, torchs):
    p, q = given(by_p, WEIGHTS["p"]), given(by_q, WEIGHTS["q"])
    first = made(getattr(td, family.__name__) if torchs == "p" else family, by_p, p)
    second = made(getattr(td, family.__name__) if torchs == "q" else family, by_q, q)
    ours = kl_divergence(first, second)
    a, b = p.detach().clone().requires_grad_(), q.detach().clone().requires_grad_()
    logs_p, logs_q = allowed(by_p, a, slice(0, 2)), allowed(by_q, b, slice(0, 3))
    theirs = (logs_p.exp() * (logs_p - logs_q[:2])).sum()
    torch.testing.assert_close(ours, theirs)
    slope_p, slope_q = slopes(ours, p, q)
    expected_p, expected_q = slopes(theirs, a, b)
    torch.testing.assert_close(slope_p[:2], expected_p[:2])
    torch.testing.assert_close(slope_q[:3], expected_q[:3])
    assert slope_p.isfinite().all()
    assert slope_q.isfinite().all()


@pytest.mark.parametrize("by", ["probs", "logits"])
@pytest.mark.parametrize("family", LABELS)
def test_a_label_that_only_the_second_forbids_makes_it_infinite(family, by):
    p, q = made(family, by, given(by, WEIGHTS["q"])), made(family, by, given(by, WEIGHTS["p"]))
    assert kl_divergence(p, q) == INF
    both = kl_divergence(p.expand((2, 3)), q.expand((2, 3)))
    assert (both == INF).all()


def test_a_logit_that_is_finite_forbids_nothing():
    """Of a probability that float32 rounds to 0: KL = sum of p (log p - log q), with log q about -200."""
    p, q = dist.Categorical(logits=torch.zeros(2)), dist.Categorical(logits=torch.tensor([0.0, -200.0]))
    torch.testing.assert_close(kl_divergence(p, q), torch.tensor(100.0 - math.log(2)))
    p, q = dist.Bernoulli(logits=torch.tensor(0.0)), dist.Bernoulli(logits=torch.tensor(-200.0))
    torch.testing.assert_close(kl_divergence(p, q), torch.tensor(100.0 - math.log(2)))
    p, q = dist.Bernoulli(logits=torch.tensor(0.0)), dist.Bernoulli(logits=torch.tensor(200.0))
    torch.testing.assert_close(kl_divergence(p, q), torch.tensor(100.0 - math.log(2)))


# ------------------------------------------------------------------------------------------ one probability, one rate


def odds(by, p):
    tensor = torch.tensor(p, dtype=torch.double)
    return (tensor if by == "probs" else torch.logit(tensor)).requires_grad_()


def bernoulli_divergence(p, q):
    total = 0.0
    for ours, other in ((p, q), (1 - p, 1 - q)):
        if ours > 0:
            total += ours * math.log(ours / other) if other > 0 else INF
    return total


SUCCESS = [(p, q) for p in (0.0, 0.3, 1.0) for q in (0.0, 0.6, 1.0)]
ONE_NUMBER = {
    "Bernoulli": (dist.Bernoulli, bernoulli_divergence, SUCCESS),
    "Binomial": (
        lambda **by: dist.Binomial(3, **by),
        lambda p, q: 3 * bernoulli_divergence(p, q),
        SUCCESS,
    ),
    "Geometric": (  # each trial up to the first success pays a Bernoulli's; there are 1 / p of them
        dist.Geometric,
        lambda p, q: bernoulli_divergence(p, q) / p,
        [pair for pair in SUCCESS if pair[0] > 0 and pair[1] > 0],
    ),
}


@pytest.mark.parametrize("by", ["probs", "logits"])
@pytest.mark.parametrize("name", ONE_NUMBER)
def test_a_divergence_of_one_probability_is_the_closed_form(name, by):
    family, closed, pairs = ONE_NUMBER[name]
    for p, q in pairs:
        ours, others = odds(by, p), odds(by, q)
        value = kl_divergence(family(**{by: ours}), family(**{by: others}))
        expected = closed(p, q)
        assert value.item() == pytest.approx(expected, rel=1e-9, abs=1e-12), (p, q)
        if expected < INF:
            assert all(each.isfinite() for each in slopes(value, ours, others)), (p, q)


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_its_gradient_is_that_of_the_closed_form(name):
    """d KL / d logit of q is (q - p) times the expected number of trials; it holds at p = 0 and p = 1 too."""
    family, _, pairs = ONE_NUMBER[name]
    for p, q in pairs:
        if 0 < q < 1:
            others = odds("logits", q)
            (slope,) = slopes(kl_divergence(family(logits=odds("logits", p)), family(logits=others)), others)
            trials = {"Bernoulli": 1, "Binomial": 3, "Geometric": 1 / p if p else 0}[name]
            assert slope.item() == pytest.approx(trials * (q - p), abs=1e-9), (p, q)


RATES = [(0.0, 0.0, 0.0), (0.0, 2.0, 2.0), (2.0, 0.0, INF), (2.0, 3.0, 2 * math.log(2 / 3) + 1)]


@pytest.mark.parametrize(("p", "q", "expected"), RATES)
def test_a_divergence_of_rates_is_the_closed_form(p, q, expected):
    ours, other = (torch.tensor(rate, dtype=torch.double, requires_grad=True) for rate in (p, q))
    value = kl_divergence(dist.Poisson(ours), dist.Poisson(other))
    assert value.item() == pytest.approx(expected)
    if expected < INF:
        assert all(each.isfinite() for each in slopes(value, ours, other))


@pytest.mark.parametrize(
    ("p", "rate", "expected"),
    [
        (0.0, 0.0, 0.0),
        (0.0, 2.0, 2.0),
        (1.0, 2.0, 2.0 - math.log(2.0)),
        (0.3, 0.0, INF),
        (0.3, 2.0, 0.3 * math.log(0.15) + 0.7 * math.log(0.7) + 2.0),
    ],
)
@pytest.mark.parametrize("by", ["probs", "logits"])
def test_a_divergence_of_a_bernoulli_from_a_poisson_is_the_closed_form(p, rate, expected, by):
    ours, other = odds(by, p), torch.tensor(rate, dtype=torch.double, requires_grad=True)
    value = kl_divergence(dist.Bernoulli(**{by: ours}), dist.Poisson(other))
    assert value.item() == pytest.approx(expected)
    if expected < INF:
        assert all(each.isfinite() for each in slopes(value, ours, other))


def test_every_divergence_of_discrete_families_is_tested_here():
    discrete = {"Bernoulli", "Binomial", "Categorical", "Geometric", "OneHotCategorical", "Poisson"}
    families = {name for pair in _KL_REGISTRY for name in (cls.__name__ for cls in pair)}
    assert discrete <= families
    apart = {"BetaBinomial", "GammaPoisson", "Multinomial", "NegativeBinomial", "DiscreteHMM"}
    assert not apart & families  # a divergence of these would need rows
    pairs = {(p.__name__, q.__name__) for p, q in _KL_REGISTRY if {p.__name__, q.__name__} & discrete}
    infinite = {("Poisson", "Bernoulli"), ("Poisson", "Binomial")}  # whatever the parameters
    assert pairs == {(name, name) for name in discrete} | {("Bernoulli", "Poisson")} | infinite


# ------------------------------------------------------------------------------------------------ entropies, densities

ENUMERABLE = {
    "Categorical": lambda by: (made(dist.Categorical, by, a := given(by, WEIGHTS["p"])), a),
    "OneHotCategorical": lambda by: (made(dist.OneHotCategorical, by, a := given(by, WEIGHTS["p"])), a),
    "Bernoulli 0": lambda by: (made(dist.Bernoulli, by, a := odds(by, 0.0)), a),
    "Bernoulli 1": lambda by: (made(dist.Bernoulli, by, a := odds(by, 1.0)), a),
    "Binomial 0": lambda by: (dist.Binomial(3, **{by: (a := odds(by, 0.0))}), a),
    "Binomial 1": lambda by: (dist.Binomial(3, **{by: (a := odds(by, 1.0))}), a),
}


@pytest.mark.parametrize("by", ["probs", "logits"])
@pytest.mark.parametrize("name", ENUMERABLE)
def test_entropies_and_probabilities_are_those_of_possible_values(name, by):
    fn, argument = ENUMERABLE[name](by)
    log_probs = fn.log_prob(fn.enumerate_support())
    assert not log_probs.isnan().any()
    probs = log_probs.exp()
    torch.testing.assert_close(probs.sum(0), torch.ones((), dtype=torch.double))
    possible = probs > 1e-12
    expected = -(probs[possible] * log_probs[possible]).sum()
    torch.testing.assert_close(fn.entropy(), expected.detach(), rtol=1e-9, atol=1e-9)
    for value in (fn.entropy(), log_probs[possible], probs):
        (slope,) = slopes(value, argument)
        assert slope.isfinite().all()
    if by == "logits":
        assert (log_probs[~possible] == -INF).all()


@pytest.mark.parametrize("by", ["probs", "logits"])
def test_multinomials_count_what_is_possible(by):
    argument = given(by, WEIGHTS["p"])
    fn = dist.Multinomial(3, **{by: argument})
    counts = torch.tensor([[2.0, 1.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0]], dtype=torch.double)
    value = fn.log_prob(counts)
    expected = torch.tensor([3 * 0.4**2 * 0.6, 0.6**3], dtype=torch.double).log()
    torch.testing.assert_close(value, expected)
    assert slopes(value, argument)[0].isfinite().all()
    impossible = fn.log_prob(torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.double))
    least = torch.tensor(torch.finfo(torch.double).eps if by == "probs" else 0.0, dtype=torch.double)
    torch.testing.assert_close(impossible, (6 * 0.4 * 0.6 * least).log())
    two = dist.Binomial(3, torch.tensor(0.4, dtype=torch.double))  # of two possible labels
    torch.testing.assert_close(fn.entropy(), two.entropy())
    torch.testing.assert_close(fn.expand((2,)).entropy(), two.entropy().expand(2))
    assert slopes(fn.entropy(), argument)[0].isfinite().all()


@pytest.mark.parametrize("by", ["probs", "logits"])
def test_counts_without_successes_are_certain(by):
    r = torch.tensor([2.5, 0.0], dtype=torch.double, requires_grad=True)
    argument = odds(by, [0.0, 0.4])
    value = dist.NegativeBinomial(r, **{by: argument}).log_prob(torch.zeros(2, dtype=torch.double))
    torch.testing.assert_close(value, torch.zeros(2, dtype=torch.double))
    slope_r, slope = slopes(value, r, argument)
    torch.testing.assert_close(slope_r, torch.tensor([0.0, math.log(0.6)], dtype=torch.double))
    assert slope.isfinite().all()
    rate = torch.zeros((), dtype=torch.double, requires_grad=True)
    value = dist.Poisson(rate).log_prob(torch.zeros((), dtype=torch.double))
    assert value == 0
    assert slopes(value, rate)[0] == -1
    mixed = torch.logaddexp(
        dist.Poisson(rate).log_prob(torch.ones(())), dist.Poisson(1 + rate).log_prob(torch.ones(()))
    )
    assert mixed.item() == pytest.approx(-1)
    assert slopes(mixed, rate)[0].item() == pytest.approx(
        0, abs=1e-12
    )  # d/dr [log r - r] at r = 1: the other part is impossible
    sure = odds(by, 1.0)
    value = dist.Geometric(**{by: sure}).log_prob(torch.zeros((), dtype=torch.double))
    assert value.item() == pytest.approx(0.0, abs=1e-12)
    assert slopes(value, sure)[0].isfinite()
    assert dist.Geometric(**{by: sure}).entropy().item() == pytest.approx(0.0, abs=1e-12)
    assert dist.Geometric(**{by: sure}).log_prob(torch.ones((), dtype=torch.double)) == -INF


@pytest.mark.parametrize("by", ["probs", "logits"])
def test_relaxed_vectors_lie_on_the_face_of_possible_labels(by):
    torch.manual_seed(0)
    argument = given(by, WEIGHTS["p"])
    temperature = torch.tensor(0.5, dtype=torch.double)
    fn = dist.RelaxedOneHotCategorical(temperature, **{by: argument})
    face = dist.RelaxedOneHotCategorical(temperature, **{by: argument[:2]})
    x = fn.rsample((50,))
    assert (x[:, 2:] == 0).all()
    torch.testing.assert_close(fn.log_prob(x), face.log_prob(x[:, :2]))
    assert slopes(fn.log_prob(x), argument)[0].isfinite().all()
    assert fn.log_prob(torch.full((4,), 0.25, dtype=torch.double)) == -INF


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_relaxed_bernoulli_of_one_possible_value_is_a_point(value):
    logits = torch.tensor(INF if value else -INF, dtype=torch.double, requires_grad=True)
    fn = dist.RelaxedBernoulli(torch.tensor(0.5, dtype=torch.double), logits=logits)
    assert (fn.rsample((20,)) == value).all()
    log_prob = fn.log_prob(torch.tensor([value, 0.5], dtype=torch.double))
    assert log_prob.tolist() == [0.0, -INF]
    assert slopes(log_prob, logits)[0] == 0


@pytest.mark.parametrize("temperature", [0.01, 0.1])
def test_draws_at_low_temperatures_have_densities(temperature):
    torch.manual_seed(0)
    logits = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    for fn in (
        dist.RelaxedOneHotCategorical(torch.tensor(temperature), logits=logits),
        dist.RelaxedBernoulli(torch.tensor(temperature), logits=logits),
    ):
        log_prob = fn.log_prob(fn.rsample((1000,)))
        assert log_prob.isfinite().all()
        assert slopes(log_prob, logits)[0].isfinite().all()


# ------------------------------------------------------------------------------------------------ objectives


def programs(first, second):
    def model():
        virgil.sample("c", dist.Categorical(logits=torch.tensor([0.0, 0.5, -INF])))

    def guide():
        q = virgil.param("q", torch.tensor([first, second]))
        virgil.sample("c", dist.Categorical(logits=torch.cat([q, torch.tensor([-INF])])))

    return model, guide


@pytest.mark.parametrize("objective", ["analytic", "enumerated"])
def test_objectives_pass_forbidden_values_over(objective):
    """KL and its slope q_k (log q_k - log p_k - KL), over the two possible labels."""
    model, guide = programs(0.3, -0.2)
    if objective == "analytic":
        loss = TraceMeanField_ELBO().differentiable_loss(model, guide)
    else:
        loss = TraceEnum_ELBO().differentiable_loss(model, config_enumerate(guide))
    (slope,) = torch.autograd.grad(loss, virgil.get_param_store().unconstrained("q"))
    q, p = torch.softmax(torch.tensor([0.3, -0.2]), -1), torch.softmax(torch.tensor([0.0, 0.5]), -1)
    expected = (q * (q / p).log()).sum()
    torch.testing.assert_close(loss.detach(), expected)
    torch.testing.assert_close(slope, q * ((q / p).log() - expected))
