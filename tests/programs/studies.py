"""Studies of many kinds: coins, animals, versions, matches, houses, surveys, drugs."""

from __future__ import annotations

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil import poutine

_y = torch.tensor([-0.8, 0.3, 1.2, 0.1, 1.6, -0.2])


def coin(flips=None, n=6):
    fairness = virgil.sample("latent_fairness", dist.Beta(torch.tensor(10.0), torch.tensor(10.0)))
    for i in range(n):
        virgil.sample(f"obs_{i}", dist.Bernoulli(fairness), obs=None if flips is None else flips[i])


def coin_answer(flips, latent_fairness):
    p = latent_fairness
    moments = {f"obs_{i}": (p, np.sqrt(p * (1 - p))) for i in range(6)}
    return Answer(stats.beta.logpdf(p, 10, 10) + stats.bernoulli.logpmf(flips, p).sum(), moments)


def two_versions(visits, sales=None):
    """An A/B test: numbers of a dict, and a derived quantity."""
    rates = {}
    for name, n in visits.items():
        rates[name] = virgil.sample(f"p_{name}", dist.Beta(1, 9))
        seen = None if sales is None else sales[name]
        virgil.sample(f"sales_{name}", dist.Binomial(n, rates[name]), obs=seen)
    virgil.deterministic("lift", rates["b"] - rates["a"])


def two_versions_answer(visits, sales, p_a, p_b):
    p = {"a": p_a, "b": p_b}
    total = sum(stats.beta.logpdf(p[k], 1, 9) + stats.binom.logpmf(sales[k], visits[k], p[k]) for k in p)
    moments = {f"sales_{k}": (visits[k] * p[k], np.sqrt(visits[k] * p[k] * (1 - p[k]))) for k in p}
    return Answer(total, {**moments, "lift": (p_b - p_a, 1e-4)})


def capture_recapture(histories):
    """Cormack, Jolly and Seber's: alive from step to step, seen if alive; lives summed out."""
    survive = virgil.sample("survive", dist.Uniform(0.0, 1.0))
    see = virgil.sample("see", dist.Uniform(0.0, 1.0))
    with virgil.plate("animals", len(histories), dim=-1):
        alive = torch.ones(len(histories))
        for t in virgil.markov(range(1, histories.shape[1])):
            alive = virgil.sample(f"alive_{t}", dist.Bernoulli(alive * survive), infer={"enumerate": "parallel"})
            virgil.sample(f"seen_{t}", dist.Bernoulli(alive * see), obs=histories[:, t])


def capture_recapture_answer(histories, survive, see):
    total = 0.0
    for row in histories:
        last = int(np.flatnonzero(row).max())
        never = 1.0  # the chance not to be seen again
        for _ in range(len(row) - 1 - last):
            never = (1 - survive) + survive * (1 - see) * never
        seen = row[1 : last + 1]
        total += last * np.log(survive) + np.log(np.where(seen == 1, see, 1 - see)).sum() + np.log(never)
    return Answer(total)


def true_skill(winners, losers):
    """Performances of a match are a sum of skill and luck; the winner's is larger."""
    beta = 1.5
    with virgil.plate("players", 4):
        skill = virgil.sample("skill", dist.Normal(25.0, 25.0 / 3))
    with virgil.plate("matches", len(winners)):
        margin = (skill[winners] - skill[losers]) / (2**0.5 * beta)
        virgil.sample("won", dist.Bernoulli(dist.Normal(0.0, 1.0).cdf(margin)), obs=torch.ones(len(winners)))


def true_skill_answer(winners, losers, skill):
    prior = stats.norm.logpdf(skill, 25, 25 / 3).sum()
    return Answer(prior + stats.norm.logcdf(skill[winners] - skill[losers], 0, 1.5 * np.sqrt(2)).sum())


def radon(county, floor, uranium, y=None):
    """Houses in counties, with a predictor of counties, and weights of the houses by `scale`."""
    g = virgil.sample("g", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    with virgil.plate("counties", len(uranium)):
        a = virgil.sample("a", dist.Normal(g[0] + g[1] * uranium, 0.3))
    with virgil.plate("houses", len(county)), poutine.scale(scale=2.0):
        virgil.sample("y", dist.Normal(a[county] + b * floor, 0.7), obs=y)


def radon_answer(county, floor, uranium, y, g, b, a):
    prior = stats.norm.logpdf([*g, b]).sum() + stats.norm.logpdf(a, g[0] + g[1] * uranium, 0.3).sum()
    mean = a[county] + b * floor
    return Answer(prior + 2 * stats.norm.logpdf(y, mean, 0.7).sum(), {"y": (mean, 0.7)})


def survey(cells, weights, yes=None):
    """Cells of a survey by age and region, from a dict of indices; each cell has a weight of its own."""
    effects = 0.0
    for name, size in (("age", 3), ("region", 2)):
        with virgil.plate(f"{name}s", size):
            effect = virgil.sample(name, dist.Normal(0.0, 0.5))
        effects = effects + effect[cells[name]]
    with virgil.plate("cells", len(weights)), poutine.scale(scale=weights):
        virgil.sample("yes", dist.Binomial(total_count=cells["asked"], logits=effects), obs=yes)


def survey_answer(cells, weights, yes, age, region):
    asked = cells["asked"]
    p = special.expit(age[cells["age"]] + region[cells["region"]])
    prior = stats.norm.logpdf([*age, *region], 0, 0.5).sum()
    likelihood = (weights * stats.binom.logpmf(yes, asked, p)).sum()
    return Answer(prior + likelihood, {"yes": (asked * p, np.sqrt(asked * p * (1 - p)))})


def drug(dose, times, conc=None):
    """One compartment with absorption; clearances of persons, and a proportional error."""
    pop = virgil.sample("pop", dist.LogNormal(torch.tensor([0.3, -1.2, 1.0]), 0.3).to_event(1))
    ka, ke, v = pop[..., 0], pop[..., 1], pop[..., 2]
    persons = virgil.plate("persons", len(dose), dim=-2)
    with persons:
        eta = virgil.sample("eta", dist.Normal(0.0, 0.2))
        ke = ke * eta.exp()
        amount = dose[:, None] * ka / (v * (ka - ke)) * (torch.exp(-ke * times) - torch.exp(-ka * times))
        with virgil.plate("times", len(times), dim=-1):
            virgil.sample("conc", dist.LogNormal(amount.log(), 0.1), obs=conc)


def drug_answer(dose, times, conc, pop, eta):
    (ka, ke, v), t = pop, times[None]
    ke = ke * np.exp(eta)
    amount = dose[:, None] * ka / (v * (ka - ke)) * (np.exp(-ke * t) - np.exp(-ka * t))
    prior = stats.lognorm.logpdf(pop, 0.3, scale=np.exp([0.3, -1.2, 1.0])).sum() + stats.norm.logpdf(eta, 0, 0.2).sum()
    fn = stats.lognorm(0.1, scale=amount)
    return Answer(prior + fn.logpdf(conc).sum(), {"conc": (fn.mean(), fn.std())})


def _joint(n=3):
    """A generative program without any `obs`: the data come by `condition`."""
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    offset = virgil.sample("offset", dist.Delta(torch.tensor(0.5)))
    with virgil.plate("rows", n):
        return virgil.sample("y", dist.Normal(mu + offset, 1.0))


conditioned = poutine.condition(_joint, data={"y": torch.tensor([0.4, 1.1, -0.3]), "offset": torch.tensor(0.5)})


def conditioned_answer(mu):
    return Answer(stats.norm.logpdf(mu) + stats.norm.logpdf([0.4, 1.1, -0.3], mu + 0.5).sum())


PROGRAMS = {
    "a coin": Program(
        coin, {"latent_fairness": 0.55}, coin_answer, data={"flips": torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0, 1.0])}
    ),
    "two versions": Program(
        two_versions,
        {"p_a": 0.08, "p_b": 0.12},
        two_versions_answer,
        ({"a": 120, "b": 110},),
        {"sales": {"a": torch.tensor(9.0), "b": torch.tensor(14.0)}},
    ),
    "capture and recapture": Program(
        capture_recapture,
        {"survive": 0.7, "see": 0.5},
        capture_recapture_answer,
        (torch.tensor([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0]]),),
        enumerated=("alive_1", "alive_2", "alive_3"),
    ),
    "skills of players": Program(
        true_skill,
        {"skill": [27.0, 24.0, 25.5, 23.0]},
        true_skill_answer,
        (torch.tensor([0, 2, 0, 1]), torch.tensor([1, 3, 2, 3])),
    ),
    "radon": Program(
        radon,
        {"g": [0.5, 0.3], "b": -0.6, "a": [0.4, 0.9, 0.7]},
        radon_answer,
        (
            torch.tensor([0, 0, 1, 2, 2, 1]),
            torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0, 0.0]),
            torch.tensor([-0.5, 0.8, 0.3]),
        ),
        {"y": _y},
    ),
    "a survey": Program(
        survey,
        {"age": [0.3, -0.2, 0.1], "region": [0.4, -0.3]},
        survey_answer,
        (
            {
                "age": torch.tensor([0, 1, 2, 0, 1, 2]),
                "region": torch.tensor([0, 0, 0, 1, 1, 1]),
                "asked": torch.tensor([10, 12, 8, 9, 15, 7]),
            },
            torch.tensor([1.0, 0.5, 2.0, 1.5, 0.7, 1.2]),
        ),
        {"yes": torch.tensor([7.0, 6.0, 5.0, 4.0, 6.0, 3.0])},
    ),
    "a drug": Program(
        drug,
        {"pop": [1.4, 0.3, 2.9], "eta": [[0.1], [-0.2]]},
        drug_answer,
        (torch.tensor([30.0, 40.0]), torch.tensor([0.5, 1.0, 2.0, 4.0])),
        {"conc": torch.tensor([[4.6, 6.7, 7.2, 5.0], [6.5, 9.4, 10.8, 8.6]])},
    ),
    "conditioned": Program(conditioned, {"mu": 0.2}, conditioned_answer),
}
