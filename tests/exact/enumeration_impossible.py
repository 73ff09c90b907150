"""Models in which an observation is impossible under some values of a summed variable; the exact side has densities
written out by hand."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import param
from tests.exact.enumeration import case
from tests.exact.enumeration_guides import EACH, IN_TURN
from tests.exact.enumeration_models import MOVES2, START, pick
from virgil import poutine
from virgil.infer import config_enumerate

COUNTS = torch.tensor([2.0, 4.0, 0.0], dtype=torch.float64)
POINTS = torch.tensor([0.4, 1.3, 2.6], dtype=torch.float64)
NAN = torch.tensor(float("nan"), dtype=torch.float64)
SEEN = torch.tensor([True, False, True])


def impossible_unless(possible, log_prob):
    return torch.where(possible, log_prob, -torch.inf)


def binomial(count, logit, x):
    free = torch.maximum(count.double(), x)
    ways = torch.lgamma(free + 1) - torch.lgamma(x + 1) - torch.lgamma(free - x + 1)
    log_prob = ways + x * torch.nn.functional.logsigmoid(logit) + (free - x) * torch.nn.functional.logsigmoid(-logit)
    return impossible_unless(x <= count, log_prob)


def beta_binomial(count, a, b, x):
    free = torch.maximum(count.double(), x)
    ways = torch.lgamma(free + 1) - torch.lgamma(x + 1) - torch.lgamma(free - x + 1)
    beta = torch.lgamma(x + a) + torch.lgamma(free - x + b) - torch.lgamma(free + a + b)
    return impossible_unless(x <= count, ways + beta - torch.lgamma(a) - torch.lgamma(b) + torch.lgamma(a + b))


def uniform(low, high, x):
    return impossible_unless((low <= x) & (x < high), -(high - low).log())


def pareto(scale, alpha, x):
    return impossible_unless(x >= scale, alpha.log() + alpha * scale.log() - (alpha + 1) * x.log())


def data():
    return virgil.plate("data", 3)


def one_count(see):
    """One number of trials for all observations: what is less than the largest of them is impossible."""

    @config_enumerate
    def model():
        n = pick("n", param("logits"))
        with data():
            see(n)

    return model


def count_each(see):
    @config_enumerate
    def model():
        with data():
            see(pick("n", param("logits")))

    return model


def chain(see):
    @config_enumerate
    def model():
        state = START
        for t in virgil.markov(range(3)):
            state = pick(f"z_{t}", param("moves")[state])
            see(t, state)

    return model


def masked(see):
    with poutine.mask(mask=SEEN):
        see()


def binomial_seen(n):
    virgil.sample("x", dist.Binomial(n, logits=param("logit")), obs=COUNTS)


def uniform_seen(z):
    virgil.sample("x", dist.Uniform(param("low")[z], param("low")[z] + param("log_width")[z].exp()), obs=POINTS)


def uniform_by_hand(z):
    virgil.factor("x", uniform(param("low")[z], param("low")[z] + param("log_width")[z].exp(), POINTS))


def missing_seen(z):
    with poutine.mask(mask=SEEN):
        high = param("low")[z] + param("log_width")[z].exp()
        virgil.sample("x", dist.Uniform(param("low")[z], high), obs=torch.where(SEEN, POINTS, NAN))


def missing_by_hand(z):
    with poutine.mask(mask=SEEN):
        uniform_by_hand(z)


def event_seen(z):
    high = (1.0 + 0.9 * z).unsqueeze(-1) * param("high").exp()
    virgil.sample("x", dist.Uniform(torch.zeros(()), high).to_event(1), obs=POINTS[:, None] * torch.ones(2))


def event_by_hand(z):
    high = (1.0 + 0.9 * z).unsqueeze(-1) * param("high").exp()
    virgil.factor("x", uniform(torch.zeros(()), high, POINTS[:, None]).sum(-1))


def step_seen(t, z):
    virgil.sample(f"x_{t}", dist.Uniform(param("low")[z], param("low")[z] + param("log_width")[z].exp()), obs=POINTS[t])


def step_by_hand(t, z):
    virgil.factor(f"x_{t}", uniform(param("low")[z], param("low")[z] + param("log_width")[z].exp(), POINTS[t]))


# a latent count, which the guide draws or enumerates and which some values of a summed variable forbid


@config_enumerate
def latent_count():
    n = pick("n", param("logits"))
    virgil.sample("k", dist.Binomial(n, logits=param("logit")))


def latent_by_hand():
    n = pick("n", param("logits"))
    k = virgil.sample("k", dist.Binomial(4, logits=torch.zeros(())))
    virgil.factor("density", binomial(n, param("logit"), k) - binomial(torch.tensor(4), torch.zeros(()), k))


def guide_of_count(ways):
    def guide():
        virgil.sample("k", dist.Binomial(4, logits=param("q")), **ways)

    return guide


LOGITS = {"logits": [0.2, -0.4, 0.3, 0.1, -0.2]}
COUNT = {**LOGITS, "logit": 0.4}
BETA = {**LOGITS, "a": 1.4, "b": 0.7}
UNIFORM = {"logits": [0.2, -0.4, 0.3], "low": [0.1, 0.3, 1.0], "log_width": [0.5, 1.0, 1.2]}
PARETO = {"logits": [0.2, -0.4, 0.3], "scale": [0.3, 0.5, 2.0], "alpha": 1.3}
LATENT = {**COUNT, "q": -0.3}


def paretos(z):
    virgil.sample("x", dist.Pareto(param("scale")[z], param("alpha")), obs=POINTS)


IMPOSSIBLE = {
    "one binomial count": case(
        one_count(binomial_seen),
        COUNT,
        reference=one_count(lambda n: virgil.factor("x", binomial(n, param("logit"), COUNTS))),
    ),
    "a binomial count each": case(
        count_each(binomial_seen),
        COUNT,
        reference=count_each(lambda n: virgil.factor("x", binomial(n, param("logit"), COUNTS))),
    ),
    "one beta-binomial count": case(
        one_count(lambda n: virgil.sample("x", dist.BetaBinomial(param("a"), param("b"), n), obs=COUNTS)),
        BETA,
        reference=one_count(lambda n: virgil.factor("x", beta_binomial(n, param("a"), param("b"), COUNTS))),
    ),
    "uniforms": case(count_each(uniform_seen), UNIFORM, reference=count_each(uniform_by_hand)),
    "uniforms, masked": case(count_each(missing_seen), UNIFORM, reference=count_each(missing_by_hand)),
    "uniforms of an event": case(
        count_each(event_seen), {**LOGITS, "high": [0.1, 0.4]}, reference=count_each(event_by_hand)
    ),
    "uniforms in a chain": case(
        chain(step_seen),
        {"moves": MOVES2, "low": [0.1, 0.3], "log_width": [0.5, 1.0]},
        reference=chain(step_by_hand),
    ),
    "paretos": case(
        count_each(paretos),
        PARETO,
        reference=count_each(lambda z: virgil.factor("x", pareto(param("scale")[z], param("alpha"), POINTS))),
    ),
    "latent count, enumerated": case(latent_count, LATENT, guide_of_count(EACH), reference=latent_by_hand),
    "latent count, in turn": case(latent_count, LATENT, guide_of_count(IN_TURN), reference=latent_by_hand),
}
LATENT_DRAWN = case(latent_count, LATENT, guide_of_count({}), reference=latent_by_hand)
