"""Ordered answers and choices: cut points, pairs, rankings, alternatives."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil.distributions import constraints, transforms

_x = torch.tensor([-1.0, 0.2, 0.8, -0.4, 1.5, 0.0])
_y = torch.tensor([0, 1, 2, 1, 3, 0])


def moments_of_labels(p):
    """Mean and standard deviation of labels 0, 1, ... with these probabilities."""
    k = np.arange(p.shape[-1])
    mean = p @ k
    return mean, np.sqrt(p @ k**2 - mean**2)


def ordered_logistic(x, y=None):
    """Cut points from a normal distribution through the ordered transform."""
    beta = virgil.sample("beta", dist.Normal(0.0, 1.0))
    base = dist.Normal(torch.zeros(3), torch.ones(3)).to_event(1)
    cuts = virgil.sample("cuts", dist.TransformedDistribution(base, transforms.OrderedTransform()))
    with virgil.plate("rows", len(x)):
        below = torch.sigmoid(cuts - (beta * x).unsqueeze(-1))
        edge = torch.ones_like(below[..., :1])
        probs = torch.cat([below, edge], -1) - torch.cat([0 * edge, below], -1)
        virgil.sample("y", dist.Categorical(probs), obs=y)


def ordered_probabilities(cdf, cuts, score):
    below = cdf(cuts - score[:, None])
    edge = np.ones((len(score), 1))
    return np.diff(np.concatenate([0 * edge, below, edge], 1), axis=1)


def ordered_logistic_answer(x, y, beta, cuts):
    gaps = np.log(np.diff(cuts))
    prior = stats.norm.logpdf(beta) + stats.norm.logpdf(cuts[0]) + (stats.norm.logpdf(gaps) - gaps).sum()
    p = ordered_probabilities(special.expit, cuts, beta * x)
    return Answer(prior + np.log(p[np.arange(len(y)), y]).sum(), {"y": moments_of_labels(p)})


def ordered_probit(x, y=None):
    """Cut points that are a learnt parameter, ordered by its constraint."""
    beta = virgil.sample("beta", dist.Normal(0.0, 1.0))
    cuts = virgil.param("cuts", torch.tensor([-1.0, 0.0, 1.25]), constraint=constraints.ordered_vector)
    with virgil.plate("rows", len(x)):
        below = dist.Normal(0.0, 1.0).cdf(cuts - (beta * x)[..., None])
        edges = torch.nn.functional.pad(torch.nn.functional.pad(below, (1, 0), value=0.0), (0, 1), value=1.0)
        virgil.sample("y", dist.Categorical(probs=edges[..., 1:] - edges[..., :-1]), obs=y)


def ordered_probit_answer(x, y, beta):
    p = ordered_probabilities(stats.norm.cdf, np.array([-1, 0, 1.25]), beta * x)
    return Answer(stats.norm.logpdf(beta) + np.log(p[np.arange(len(y)), y]).sum(), {"y": moments_of_labels(p)})


def induced_cuts(x, y=None):
    """Cut points from proportions, which have the Dirichlet prior."""
    beta = virgil.sample("beta", dist.Normal(0.0, 1.0))
    shares = virgil.sample("shares", dist.Dirichlet(torch.ones(4)))
    cuts = virgil.deterministic("cuts", torch.logit(shares.cumsum(-1)[..., :-1]))
    with virgil.plate("rows", len(x)):
        below = (cuts - beta.unsqueeze(-1) * x.unsqueeze(-1)).sigmoid()
        one = torch.ones((*below.shape[:-1], 1))
        virgil.sample("y", dist.Categorical(probs=torch.cat([below, one], -1).diff(prepend=0 * one)), obs=y)


def induced_cuts_answer(x, y, beta, shares):
    cuts = special.logit(np.cumsum(shares)[:-1])
    p = ordered_probabilities(special.expit, cuts, beta * x)
    prior = stats.norm.logpdf(beta) + stats.dirichlet.logpdf(shares, np.ones(4))
    return Answer(prior + np.log(p[np.arange(len(y)), y]).sum(), {"y": moments_of_labels(p)})


def bradley_terry(first, second, wins=None):
    """Strengths of players, by index on both sides."""
    sigma = virgil.sample("sigma", dist.HalfNormal(2.0))
    with virgil.plate("players", 4):
        strength = virgil.sample("strength", dist.Normal(0.0, sigma))
    with virgil.plate("matches", len(first)):
        virgil.sample("wins", dist.Bernoulli(logits=strength[first] - strength[second]), obs=wins)


def bradley_terry_answer(first, second, wins, sigma, strength):
    p = special.expit(strength[first] - strength[second])
    prior = stats.halfnorm.logpdf(sigma, 0, 2) + stats.norm.logpdf(strength, 0, sigma).sum()
    return Answer(prior + stats.bernoulli.logpmf(wins, p).sum(), {"wins": (p, np.sqrt(p * (1 - p)))})


def plackett_luce(rankings):
    """Rankings as choices of the best among those that are left: a factor of a gather."""
    worth = virgil.sample("worth", dist.Gumbel(0.0, 1.0).expand([4]).to_event(1))
    with virgil.plate("rankings", len(rankings)):
        ordered = worth[..., rankings]
        left = ordered.flip(-1).logcumsumexp(-1).flip(-1)
        virgil.factor("ranking", (ordered - left).sum(-1))


def plackett_luce_answer(rankings, worth):
    # brute force: with Gumbel noise each order of four has the probability of its stages
    def probability(order):
        p, left = 1.0, set(range(4))
        for item in order:
            p *= np.exp(worth[item]) / sum(np.exp(worth[list(left)]))
            left.remove(item)
        return p

    total = sum(probability(order) for order in itertools.permutations(range(4)))
    likelihood = sum(np.log(probability(order) / total) for order in rankings)
    return Answer(stats.gumbel_r.logpdf(worth).sum() + likelihood)


def conditional_logit(attributes, choice=None):
    """Attributes of each alternative of each choice."""
    beta = virgil.sample("beta", dist.Normal(torch.zeros(2), torch.ones(2)).to_event(1))
    utility = (attributes * beta[..., None, None, :]).sum(-1)
    with virgil.plate("choices", attributes.shape[0]):
        virgil.sample("choice", dist.Categorical(logits=utility), obs=choice)


def conditional_logit_answer(attributes, choice, beta):
    p = special.softmax(attributes @ beta, -1)
    likelihood = np.log(p[np.arange(len(choice)), choice]).sum()
    return Answer(stats.norm.logpdf(beta).sum() + likelihood, {"choice": moments_of_labels(p)})


def mixed_logit(attributes, choice=None):
    """Tastes of each person, one-hot choices."""
    mean = virgil.sample("mean", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    spread = virgil.sample("spread", dist.HalfNormal(torch.ones(2)).to_event(1))
    with virgil.plate("persons", attributes.shape[0]):
        taste = virgil.sample("taste", dist.Normal(mean, spread).to_event(1))
        utility = torch.einsum("...nad,...nd->...na", attributes, taste)
        virgil.sample("choice", dist.OneHotCategorical(logits=utility), obs=choice)


def mixed_logit_answer(attributes, choice, mean, spread, taste):
    prior = stats.norm.logpdf(mean).sum() + stats.halfnorm.logpdf(spread).sum()
    prior += stats.norm.logpdf(taste, mean, spread).sum()
    p = special.softmax((attributes * taste[:, None]).sum(-1), -1)
    return Answer(prior + np.log((p * choice).sum(-1)).sum(), {"choice": (p, np.sqrt(p * (1 - p)))})


def nested_choice(price, bought=None, which=None):
    """If something is bought, and which: the second under a mask that is the first's value."""
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    with virgil.plate("visits", price.shape[0]):
        inclusive = torch.logsumexp(-b.unsqueeze(-1).unsqueeze(-1) * price, -1)
        any_bought = virgil.sample("bought", dist.Bernoulli(logits=a + 0.5 * inclusive), obs=bought)
        with virgil.poutine.mask(mask=any_bought == 1):
            virgil.sample("which", dist.Categorical(logits=-b.unsqueeze(-1).unsqueeze(-1) * price), obs=which)


def nested_choice_answer(price, bought, which, a, b):
    p_any = special.expit(a + 0.5 * special.logsumexp(-b * price, -1))
    p = special.softmax(-b * price, -1)
    likelihood = stats.bernoulli.logpmf(bought, p_any).sum() + (bought * np.log(p[np.arange(len(which)), which])).sum()
    moments = {"bought": (p_any, np.sqrt(p_any * (1 - p_any))), "which": moments_of_labels(p)}
    return Answer(stats.norm.logpdf([a, b]).sum() + likelihood, moments)


_attributes = torch.tensor([0.5, -1.0, 0.3, 0.8, 0.0, 1.2, -0.7, 0.4, 1.0, -0.2, 0.6, 0.1] * 2).reshape(4, 3, 2)

PROGRAMS = {
    "ordered logistic": Program(
        ordered_logistic, {"beta": 0.8, "cuts": [-1.0, 0.25, 1.5]}, ordered_logistic_answer, (_x,), {"y": _y}
    ),
    "ordered probit": Program(ordered_probit, {"beta": 0.8}, ordered_probit_answer, (_x,), {"y": _y}),
    "cuts from proportions": Program(
        induced_cuts, {"beta": 0.8, "shares": [0.25, 0.375, 0.25, 0.125]}, induced_cuts_answer, (_x,), {"y": _y}
    ),
    "Bradley-Terry": Program(
        bradley_terry,
        {"sigma": 0.9, "strength": [0.5, -0.2, 1.1, -0.9]},
        bradley_terry_answer,
        (torch.tensor([0, 1, 2, 3, 0]), torch.tensor([1, 2, 3, 0, 2])),
        {"wins": torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])},
    ),
    "Plackett-Luce": Program(
        plackett_luce,
        {"worth": [0.5, -0.2, 1.1, -0.4]},
        plackett_luce_answer,
        (torch.tensor([[2, 0, 1, 3], [0, 2, 3, 1], [2, 3, 0, 1]]),),
    ),
    "conditional logit": Program(
        conditional_logit,
        {"beta": [0.6, -0.8]},
        conditional_logit_answer,
        (_attributes,),
        {"choice": torch.tensor([0, 2, 1, 2])},
    ),
    "mixed logit": Program(
        mixed_logit,
        {"mean": [0.3, -0.4], "spread": [0.5, 0.8], "taste": [[0.5, 0.1], [-0.2, -0.9], [0.4, -0.4], [0.9, -1.0]]},
        mixed_logit_answer,
        (_attributes,),
        {"choice": torch.eye(3)[[0, 2, 1, 2]]},
    ),
    "if, and which": Program(
        nested_choice,
        {"a": 0.3, "b": 0.7},
        nested_choice_answer,
        (_attributes[..., 0],),
        {"bought": torch.tensor([1.0, 0.0, 1.0, 1.0]), "which": torch.tensor([0, 2, 1, 2])},
    ),
}
