"""Tests, items and raters: ability, difficulty, guessing, skills, confusion."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from scipy import special, stats

import virgil
import virgil.distributions as dist
from tests.programs.choice import moments_of_labels
from tests.programs.program import Answer, Program
from virgil.infer import config_enumerate
from virgil.nn import PyroModule, PyroSample

_right = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]])
_theta = [0.8, -0.7, 0.3]
_b = [-0.5, 0.6, 0.0, -0.2]
_student = torch.arange(3).repeat_interleave(4)
_item = torch.arange(4).repeat(3)
_skills = np.array([[1, 0], [0, 1], [1, 1], [1, 0]])


def rasch(right=None):
    """Students by items, as a matrix."""
    students, items = virgil.plate("students", 3, dim=-2), virgil.plate("items", 4, dim=-1)
    with students:
        theta = virgil.sample("theta", dist.Normal(0.0, 1.0))
    with items:
        b = virgil.sample("b", dist.Normal(0.0, 2.0))
    with students, items:
        virgil.sample("right", dist.Bernoulli(logits=theta - b), obs=right)


def rasch_answer(right, theta, b):
    p = special.expit(theta - b)
    prior = stats.norm.logpdf(theta).sum() + stats.norm.logpdf(b, 0, 2).sum()
    return Answer(prior + stats.bernoulli.logpmf(right, p).sum(), {"right": (p, np.sqrt(p * (1 - p)))})


def two_parameters(student, item, right=None):
    """Answers in a long table, students and items by index."""
    with virgil.plate("students", 3):
        theta = virgil.sample("theta", dist.Normal(0.0, 1.0))
    with virgil.plate("items", 4):
        a = virgil.sample("a", dist.LogNormal(0.0, 0.5))
        b = virgil.sample("b", dist.Normal(0.0, 2.0))
    with virgil.plate("answers", len(student)):
        virgil.sample("right", dist.Bernoulli(logits=a[item] * (theta[student] - b[item])), obs=right)


def two_parameters_answer(student, item, right, theta, a, b):
    prior = stats.norm.logpdf(theta).sum() + stats.lognorm.logpdf(a, 0.5).sum() + stats.norm.logpdf(b, 0, 2).sum()
    p = special.expit(a[item] * (theta[student] - b[item]))
    return Answer(prior + stats.bernoulli.logpmf(right, p).sum(), {"right": (p, np.sqrt(p * (1 - p)))})


class ThreeParameters(PyroModule):
    """Items with guessing, as a module whose priors are attributes."""

    def __init__(self, students, items):
        super().__init__()
        self.theta = PyroSample(dist.Normal(0.0, 1.0).expand([students, 1]).to_event(2))
        self.b = PyroSample(dist.Normal(0.0, 2.0).expand([items]).to_event(1))
        self.a = PyroSample(lambda self: dist.Gamma(4.0, 4.0).expand(self.b.shape[-1:]).to_event(1))
        self.guess = PyroSample(dist.Beta(2.0, 6.0).expand([items]).to_event(1))

    def forward(self, right=None):
        guess, a, b = (each.unsqueeze(-2) for each in (self.guess, self.a, self.b))
        p = guess + (1 - guess) * torch.sigmoid(a * (self.theta - b))
        with virgil.plate("students", 3, dim=-2), virgil.plate("items", 4, dim=-1):
            virgil.sample("right", dist.Bernoulli(probs=p), obs=right)


def three_parameters_answer(right, theta, a, b, guess):
    prior = stats.norm.logpdf(theta).sum() + stats.norm.logpdf(b, 0, 2).sum()
    prior += stats.gamma.logpdf(a, 4, scale=0.25).sum() + stats.beta.logpdf(guess, 2, 6).sum()
    p = guess + (1 - guess) * special.expit(a * (theta - b))
    return Answer(prior + stats.bernoulli.logpmf(right, p).sum(), {"right": (p, np.sqrt(p * (1 - p)))})


def graded(answers=None):
    """Graded answers: each item has cut points, made of a first one and positive gaps."""
    with virgil.plate("items", 4, dim=-1):
        first = virgil.sample("first", dist.Normal(-1.0, 1.0))
        gaps = virgil.sample("gaps", dist.Exponential(1.0).expand([2]).to_event(1))
        cuts = first.unsqueeze(-1) + torch.cat([torch.zeros_like(gaps[..., :1]), gaps.cumsum(-1)], -1)
        with virgil.plate("students", 3, dim=-2):
            theta_free = virgil.sample("noise", dist.Normal(0.0, 1.0))
            above = torch.sigmoid(theta_free.unsqueeze(-1) - cuts)
            edge = torch.ones_like(above[..., :1])
            probs = torch.cat([edge, above], -1) - torch.cat([above, 0 * edge], -1)
            virgil.sample("answers", dist.Categorical(probs), obs=answers)


def graded_answer(answers, first, gaps, noise):
    cuts = first[:, None] + np.concatenate([np.zeros((4, 1)), np.cumsum(gaps, 1)], 1)
    above = special.expit(noise[..., None] - cuts)
    edge = np.ones((3, 4, 1))
    p = -np.diff(np.concatenate([edge, above, 0 * edge], -1), axis=-1)
    prior = stats.norm.logpdf(first, -1).sum() + stats.expon.logpdf(gaps).sum() + stats.norm.logpdf(noise).sum()
    likelihood = np.log(np.take_along_axis(p, answers[..., None], -1)).sum()
    return Answer(prior + likelihood, {"answers": moments_of_labels(p)})


@config_enumerate
def dina(q, right):
    """Skills that a student has or lacks; all that an item needs, or a guess."""
    with virgil.plate("skills", 2):
        share = virgil.sample("share", dist.Beta(1.0, 1.0))
    with virgil.plate("items", 4):
        slip = virgil.sample("slip", dist.Beta(1.0, 5.0))
        guess = virgil.sample("guess", dist.Beta(1.0, 5.0))
    with virgil.plate("students", len(right)):
        first = virgil.sample("first", dist.Bernoulli(share[0]))
        second = virgil.sample("second", dist.Bernoulli(share[1]))
        able = (first.unsqueeze(-1) >= q[:, 0]) & (second.unsqueeze(-1) >= q[:, 1])
        p = torch.where(able, 1 - slip, guess)
        virgil.sample("right", dist.Bernoulli(p).to_event(1), obs=right)


def dina_answer(q, right, share, slip, guess):
    total = stats.beta.logpdf([slip, guess], 1, 5).sum()
    for row in right:
        likelihood = 0.0
        for skills in itertools.product((0, 1), repeat=2):
            p = np.where((np.array(skills) >= q).all(1), 1 - slip, guess)
            likelihood += np.exp(stats.bernoulli.logpmf(skills, share).sum() + stats.bernoulli.logpmf(row, p).sum())
        total += np.log(likelihood)
    return Answer(total)


def dawid_skene(votes):
    """The true class of each item, summed out, and a confusion matrix of each rater; a list of votes of each item."""
    prevalence = virgil.sample("prevalence", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("raters", 3, dim=-1):
        confusion = virgil.sample("confusion", dist.Dirichlet(torch.ones(2)).expand([2]).to_event(1))
    for i in virgil.plate("items", len(votes)):
        rater, label = votes[i]
        truth = virgil.sample(f"truth_{i}", dist.Categorical(prevalence), infer={"enumerate": "parallel"})
        with virgil.plate(f"votes_{i}", len(rater)):
            virgil.sample(f"label_{i}", dist.Categorical(confusion[rater, truth]), obs=label)


def dawid_skene_answer(votes, prevalence, confusion):
    total = 0.0  # Dirichlet(1, 1) has density 1
    for rater, label in votes:
        total += np.log(sum(prevalence[k] * np.prod(confusion[rater, k, label]) for k in range(2)))
    return Answer(total)


def matrix_of_raters(labels):
    """The same with every rater's label of every item, in nested plates, and stronger diagonals."""
    prevalence = virgil.sample("prevalence", dist.Dirichlet(torch.ones(3)))
    prior = torch.ones(3, 3) + 4 * torch.eye(3)
    with virgil.plate("raters", labels.shape[1], dim=-2), virgil.plate("classes", 3, dim=-1):
        confusion = virgil.sample("confusion", dist.Dirichlet(prior))
    with virgil.plate("items", labels.shape[0], dim=-1):
        truth = virgil.sample("truth", dist.Categorical(prevalence), infer={"enumerate": "parallel"})
        with virgil.plate("votes", labels.shape[1], dim=-2):
            rater = torch.arange(labels.shape[1]).unsqueeze(-1)
            virgil.sample("label", dist.Categorical(confusion[rater, truth]), obs=labels.T)


def matrix_of_raters_answer(labels, prevalence, confusion):
    alpha = np.ones((3, 3)) + 4 * np.eye(3)
    total = stats.dirichlet.logpdf(prevalence, np.ones(3))
    total += sum(stats.dirichlet.logpdf(confusion[r, k], alpha[k]) for r in range(2) for k in range(3))
    for row in labels:
        total += np.log(sum(prevalence[k] * confusion[0, k, row[0]] * confusion[1, k, row[1]] for k in range(3)))
    return Answer(total)


_confusion = [[[0.75, 0.25], [0.125, 0.875]], [[0.625, 0.375], [0.25, 0.75]], [[0.875, 0.125], [0.375, 0.625]]]
_rows3 = [[0.75, 0.125, 0.125], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75]]

PROGRAMS = {
    "Rasch": Program(rasch, {"theta": [[t] for t in _theta], "b": _b}, rasch_answer, data={"right": _right}),
    "two parameters": Program(
        two_parameters,
        {"theta": _theta, "a": [1.2, 0.7, 0.9, 1.5], "b": _b},
        two_parameters_answer,
        (_student, _item),
        {"right": _right.flatten()},
    ),
    "three parameters": Program(
        ThreeParameters(3, 4),
        {"theta": [[t] for t in _theta], "b": _b, "a": [1.2, 0.7, 0.9, 1.5], "guess": [0.2, 0.25, 0.15, 0.3]},
        three_parameters_answer,
        data={"right": _right},
    ),
    "graded answers": Program(
        graded,
        {
            "first": [-0.8, -1.2, -0.3, -1.0],
            "gaps": [[0.6, 1.0], [0.9, 0.7], [0.5, 0.5], [1.5, 0.4]],
            "noise": [[0.3, -0.5, 0.8, 0.1], [-0.9, 0.2, 0.4, -0.3], [1.1, 0.7, -0.6, 0.0]],
        },
        graded_answer,
        data={"answers": torch.tensor([[1, 0, 3, 2], [0, 2, 1, 1], [3, 2, 1, 0]])},
    ),
    "DINA": Program(
        dina,
        {"share": [0.6, 0.4], "slip": [0.1, 0.2, 0.15, 0.05], "guess": [0.2, 0.1, 0.25, 0.3]},
        dina_answer,
        (torch.tensor(_skills), _right),
        enumerated=("first", "second"),
    ),
    "Dawid-Skene": Program(
        dawid_skene,
        {"prevalence": [0.625, 0.375], "confusion": _confusion},
        dawid_skene_answer,
        (
            [
                (torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1])),
                (torch.tensor([0, 2]), torch.tensor([1, 1])),
                (torch.tensor([0, 1, 2]), torch.tensor([0, 1, 0])),
                (torch.tensor([1]), torch.tensor([1])),
            ],
        ),
        enumerated=("truth_0", "truth_1", "truth_2", "truth_3"),
    ),
    "a matrix of raters": Program(
        matrix_of_raters,
        {"prevalence": [0.5, 0.25, 0.25], "confusion": [_rows3, _rows3[::-1]]},
        matrix_of_raters_answer,
        (torch.tensor([[0, 1], [2, 2], [1, 1], [0, 0], [2, 1]]),),
        enumerated=("truth",),
    ),
}
