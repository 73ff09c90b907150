"""Programs that train and mean something else: probabilities as logits, one parameter for two things, and so on."""

from __future__ import annotations

from unittest.mock import ANY

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.mistake import Mistake, Pair
from tests.pairs.mistaken_ranges import prior, stated
from tests.pairs.statements import NORMAL, ONE
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import MismatchError, SupportError
from virgil.infer.autoguide import AutoNormal

KINDS, FLIPS = torch.tensor([0, 1, 2, 1]), torch.tensor([0.0, 1.0, 0.0, 1.0])
TABLE = torch.arange(12.0)


def leaf(name, value, **options):
    return virgil.param(name, torch.as_tensor(value), **options)


def positive(name, value):
    return leaf(name, value, constraint=constraints.positive)


def observing(prior_fn, likelihood, data):
    """A model with one latent variable and four data."""

    def model():
        z = virgil.sample("z", prior_fn)
        with virgil.plate("data", 4):
            virgil.sample("x", likelihood(z), obs=data)

    return model


of_real = stated("z", lambda: dist.Normal(leaf("loc", 0.3), 1.0))
of_simplex = stated("z", lambda: dist.Dirichlet(positive("shape", [1.0, 2.0, 3.0])))
of_share = stated("z", lambda: dist.Beta(positive("shape", 2.0), 1.0))

WEIGHTS, SHARE = dist.Dirichlet(torch.ones(3)), dist.Beta(1.0, 1.0)


def share_of_parameter():
    virgil.sample("z", NORMAL)
    with virgil.plate("data", 4):
        share = leaf("share", 0.3, constraint=constraints.unit_interval)
        virgil.sample("x", dist.Bernoulli(logits=share), obs=FLIPS)


def weights_of_parameter():
    virgil.sample("z", NORMAL)
    with virgil.plate("data", 4):
        weights = leaf("weights", [0.2, 0.3, 0.5], constraint=constraints.simplex)
        virgil.sample("x", dist.Categorical(logits=weights), obs=KINDS)


def local():
    with virgil.plate("data", 12, subsample_size=4) as rows:
        z = virgil.sample("z", NORMAL)
        virgil.sample("x", dist.Normal(z, 1.0), obs=TABLE[rows])


def of_table(choose):
    """A guide of a mini-batch that takes its locations from a table of all."""

    def guide():
        with virgil.plate("data", 12, subsample_size=4) as rows:
            virgil.sample("z", dist.Normal(choose(leaf("table", torch.zeros(12)), rows), 1.0))

    return guide


def rounds(choose, subsample_size=4):
    """A model whose plate is iterated."""

    def model():
        z = virgil.sample("z", NORMAL)
        for i in virgil.plate("data", 12, subsample_size=subsample_size):
            virgil.sample(f"x_{i}", dist.Normal(z, 1.0), obs=choose(i))

    return model


def two_latent(likelihood):
    def model():
        z, w = virgil.sample("z", NORMAL), virgil.sample("w", NORMAL)
        virgil.sample("x", dist.Normal(likelihood(z, w), 1.0), obs=ONE)

    return model


def of_two():
    of_real()
    virgil.sample("w", dist.Normal(leaf("w_loc", 0.0), 1.0))


def vector(make):
    return stated("z", lambda: make().to_event(1))


PLAIN, EVENT = prior(NORMAL), prior(dist.Normal(torch.zeros(3), 1.0).to_event(1))
PAIR = prior(dist.MultivariateNormal(torch.zeros(2), torch.eye(2)))
FACTOR = prior(dist.LKJCholesky(2, 1.0))
TWO = prior(dist.Dirichlet(torch.ones(2)))
CATEGORY = prior(dist.Categorical(torch.ones(3)))


def factor(**options):
    return leaf("factor", torch.eye(2), **options)


def of_factor():
    return stated("z", lambda: dist.Delta(factor(constraint=constraints.lower_cholesky), event_dim=2))


def of_factor_as_covariance():
    covariance = lambda: factor(constraint=constraints.lower_cholesky)  # noqa: E731
    return stated("z", lambda: dist.MultivariateNormal(torch.zeros(2), covariance_matrix=covariance()))


AS_LOGITS = "got as logits what are probabilities"

MISTAKES = {
    "weights of a mixture as logits": Mistake(
        observing(WEIGHTS, lambda z: dist.Categorical(logits=z), KINDS),
        of_simplex,
        "x",
        ["At site 'x', the model's Categorical", AS_LOGITS, "site 'z' sums to one", "Pass it as probs"],
        "warning",
    ),
    "weights of one-hot labels as logits": Mistake(
        observing(WEIGHTS, lambda z: dist.OneHotCategorical(logits=z), torch.eye(3)[KINDS]),
        of_simplex,
        "x",
        ["At site 'x', the model's OneHotCategorical", AS_LOGITS, "site 'z' sums to one"],
        "warning",
    ),
    "a share as log-odds": Mistake(
        observing(SHARE, lambda z: dist.Bernoulli(logits=z), FLIPS),
        of_share,
        "x",
        ["At site 'x', the model's Bernoulli", AS_LOGITS, "site 'z' lies between 0 and 1", "take its logarithm"],
        "warning",
    ),
    "a parameter of shares as log-odds": Mistake(
        share_of_parameter,
        of_real,
        "x",
        ["the model's Bernoulli", AS_LOGITS, "parameter 'share' lies between 0 and 1"],
        "warning",
    ),
    "a parameter of weights as logits": Mistake(
        weights_of_parameter,
        of_real,
        "x",
        ["the model's Categorical", AS_LOGITS, "parameter 'weights' sums to one"],
        "warning",
    ),
    "one parameter as location and scale": Mistake(
        PLAIN,
        stated("z", lambda: dist.Normal(positive("loc", 1.0), positive("loc", 1.0))),
        "z",
        ["At site 'z', parameter 'loc' is both the location and the scale of the guide's Normal", "of its own name"],
        "warning",
    ),
    "a guide whose density is masked": Mistake(
        PLAIN,
        poutine.mask(of_real, mask=False),
        "z",
        ["At site 'z', the guide's log-probability is masked by False and the model's is not", "write Delta"],
        "warning",
    ),
    "a guide's distribution that is masked": Mistake(
        PLAIN,
        stated("z", lambda: dist.Normal(leaf("loc", 0.3), 1.0).mask(False)),
        "z",
        ["At site 'z', the guide's log-probability is masked by False", "the guide shrinks to a point"],
        "warning",
    ),
    "a Cholesky factor as one of a correlation matrix": Mistake(
        FACTOR,
        of_factor(),
        "z",
        [
            "the point, for the model's LKJCholesky, must be Cholesky factors of correlation matrices",
            "parameter 'factor', whose constraint allows lower Cholesky factors, and the next step leaves that",
            "constraints.corr_cholesky)",
        ],
        SupportError,
    ),
    "a factor as a covariance": Mistake(
        PAIR,
        of_factor_as_covariance(),
        "z",
        [
            "argument 'covariance_matrix' of the guide's MultivariateNormal must be positive definite matrices",
            "parameter 'factor', whose constraint allows lower Cholesky factors, and the next step leaves that",
        ],
        SupportError,
    ),
    "a table of all data, cut to the first": Mistake(
        local,
        of_table(lambda table, rows: table[:4]),
        "z",
        ["one parameter for each of the 4 slots of plate 'data', by its number and not by the plate's indices"],
        MismatchError,
    ),
    "an iterated plate that reads one datum": Mistake(
        rounds(lambda i: TABLE[0]),
        of_real,
        ANY,
        ["Plate 'data' is iterated over 12 data", "observe the same row of them", "obs=data[i]"],
        MismatchError,
    ),
    "two of three categories": Mistake(
        CATEGORY,
        stated("z", lambda: dist.Categorical(logits=leaf("logits", torch.zeros(2)))),
        "z",
        ["the guide's Categorical has 2 categories and the model's 3", "never draws the last", "Give the guide's 3"],
        "note",
    ),
    "one location for three weights": Mistake(
        EVENT,
        vector(lambda: dist.Normal(leaf("loc", 0.0), positive("scale", 1.0)).expand([3])),
        "z",
        ["At site 'z', one number, parameter 'loc', is the guide's location of all 3 entries", "of shape (3,)"],
        "note",
    ),
    "a location of one entry for three weights": Mistake(
        EVENT,
        vector(lambda: dist.Normal(leaf("loc", [0.0]), positive("scale", torch.ones(3)))),
        "z",
        ["At site 'z', one number, parameter 'loc', is the guide's location of all 3 entries"],
        "note",
    ),
    "a latent variable that no observation depends on": Mistake(
        two_latent(lambda z, w: z),
        of_two,
        "w",
        ["Site 'w' of the model is latent, and no observation depends on it", "the posterior is the prior"],
        "note",
    ),
    "a value that the model detaches": Mistake(
        two_latent(lambda z, w: z.detach() + w),
        of_two,
        "x",
        ["At site 'x' of the model", "depends on the value of 'z' and has no gradient", ".detach()"],
        "note",
    ),
}

# What is alike, and means what it says.
PAIRS = {
    "logarithms of weights": Pair(observing(WEIGHTS, lambda z: dist.Categorical(logits=z.log()), KINDS), of_simplex),
    "weights": Pair(observing(WEIGHTS, lambda z: dist.Categorical(z), KINDS), of_simplex),
    "log-odds of a share": Pair(observing(SHARE, lambda z: dist.Bernoulli(logits=z.logit()), FLIPS), of_share),
    "a share": Pair(observing(SHARE, lambda z: dist.Bernoulli(z), FLIPS), of_share),
    "location and scale of one vector": Pair(
        PLAIN, stated("z", lambda: dist.Normal(*positive("both", [1.0, 2.0]).unbind()))
    ),
    "a point whose density is masked": Pair(PLAIN, stated("z", lambda: dist.Delta(leaf("at", 0.0)).mask(False))),
    "densities masked in both": Pair(prior(NORMAL.mask(False)), poutine.mask(of_real, mask=False)),
    "a table that is indexed": Pair(local, of_table(lambda table, rows: table[rows])),
    "an iterated plate that reads its own data": Pair(rounds(lambda i: TABLE[i], None), of_real),
    "three categories": Pair(
        CATEGORY, stated("z", lambda: dist.Categorical(logits=leaf("logits", torch.zeros(3)))), loss=None
    ),
    "a location for each weight": Pair(
        EVENT, vector(lambda: dist.Normal(leaf("loc", torch.zeros(3)), positive("scale", 1.0)))
    ),
    "two weights, of one number": Pair(TWO, AutoNormal(TWO)),
    "a factor of a correlation matrix": Pair(
        FACTOR, stated("z", lambda: dist.Delta(factor(constraint=constraints.corr_cholesky), event_dim=2))
    ),
}
