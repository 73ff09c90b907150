"""Parameters that may leave their range, and data that count too often. Model, guide and what is said."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.mistake import Mistake
from tests.pairs.mistaken_plates import data_of
from tests.pairs.mistaken_sites import nothing
from tests.pairs.statements import NORMAL, ONE, program
from virgil.distributions import constraints
from virgil.errors import MismatchError, SupportError
from virgil.infer import Trace_ELBO

DATA = torch.tensor([0.0, 1.0] * 20 + [7.0])


def stated(name, make):
    """A program whose one variable has a distribution with parameters, which it makes itself."""
    return lambda *args: virgil.sample(name, make())


def point(value, event_dim=0, **options):
    return stated("z", lambda: dist.Delta(virgil.param("at", value, **options), event_dim=event_dim))


def prior(fn):
    return program(("z", fn))


def flips():
    virgil.sample("z", NORMAL)
    with virgil.plate("flips", 3):
        virgil.sample("x", dist.Bernoulli(virgil.param("p", torch.full((3,), 0.5))), obs=torch.tensor([0.0, 1.0, 1.0]))


def normal_guide():
    virgil.sample("z", NORMAL)


def batches_of_data(data):
    p = virgil.sample("p", dist.Beta(1.0, 1.0))
    with virgil.plate("rows", len(data), subsample_size=1) as rows:
        virgil.sample("x", dist.Bernoulli(p), obs=data[rows])


def beta_guide(data):
    virgil.sample("p", dist.Beta(virgil.param("a", ONE, constraint=constraints.positive), 1.0))


def one_event_for_all():
    with virgil.plate("d", 4):
        virgil.sample("y", dist.Normal(torch.zeros(4), 1.0).to_event(1), obs=torch.ones(4))


def mean_of_data(data):
    with virgil.plate("data", len(data)):
        virgil.sample("x", NORMAL, obs=data.mean())


def mini_batch(size):
    def run():
        with virgil.plate("data", 10, subsample_size=size):
            virgil.sample("z", NORMAL)

    return run


def with_options(**options):
    return lambda: virgil.sample("k", dist.Bernoulli(0.5), infer=options)


MISTAKES = {
    "a mini-batch of the guide's own size": Mistake(
        mini_batch(4),
        mini_batch(6),
        "data",
        ["Plate 'data' has subsample_size=4 in the model, and the guide draws 6 indices", "Give both the same"],
        MismatchError,
    ),
    "a mark that the objective does nothing with": Mistake(
        with_options(),
        with_options(enumerate="parallel"),
        "k",
        ["At site 'k', the guide asks for enumeration, and Trace_ELBO draws the variable", "Use TraceEnum_ELBO"],
        "warning",
        loss=Trace_ELBO,
    ),
    "a baseline that the objective does nothing with": Mistake(
        with_options(),
        with_options(baseline={"use_decaying_avg_baseline": True}),
        "k",
        ["At site 'k', the guide gives a baseline, which Trace_ELBO does not use", "num_particles="],
        "warning",
        loss=Trace_ELBO,
    ),
    "positive numbers as a point of the simplex": Mistake(
        prior(dist.Dirichlet(torch.full((3,), 3.0))),
        point(torch.ones(3) / 3, 1, constraint=constraints.positive),
        "z",
        [
            "At site 'z', the point, for the model's Dirichlet, must be vectors of nonnegative numbers that sum to 1",
            "parameter 'at', whose constraint allows real numbers above 0, and the next step leaves that",
            "constraint=constraints.simplex)",
        ],
        SupportError,
    ),
    "a free number as a point among whole numbers": Mistake(
        prior(dist.Poisson(3.0)),
        point(torch.tensor(2.0)),
        "z",
        ["the point, for the model's Poisson, must be whole numbers", "and the next step leaves that"],
        SupportError,
    ),
    "a free scale": Mistake(
        prior(NORMAL),
        stated("z", lambda: dist.Normal(virgil.param("loc", torch.zeros(())), virgil.param("scale", ONE))),
        "z",
        [
            "argument 'scale' of the guide's Normal must be real numbers above 0",
            "It is parameter 'scale', whose constraint allows all real numbers, and a step may leave that",
            "virgil.param('scale', ..., constraint=constraints.positive)",
        ],
        "warning",
    ),
    "a free scale under to_event": Mistake(
        prior(dist.Normal(torch.zeros(3), 1.0).to_event(1)),
        stated("z", lambda: dist.Normal(torch.zeros(3), virgil.param("scale", ONE)).to_event(1)),
        "z",
        ["argument 'scale' of the guide's Normal must be real numbers above 0"],
        "warning",
    ),
    "free probabilities in the model": Mistake(
        flips,
        normal_guide,
        "x",
        ["argument 'probs' of the model's Bernoulli must be real numbers from 0 to 1", "constraints.unit_interval)"],
        "warning",
    ),
    "positive probabilities without an upper bound": Mistake(
        prior(dist.Bernoulli(0.5)),
        stated("z", lambda: dist.Bernoulli(virgil.param("p", ONE / 2, constraint=constraints.positive))),
        "z",
        ["argument 'probs' of the guide's Bernoulli must be real numbers from 0 to 1", "allows real numbers above 0"],
        "warning",
    ),
    "free probabilities of categories": Mistake(
        prior(dist.Categorical(torch.ones(3))),
        stated("z", lambda: dist.Categorical(virgil.param("p", torch.ones(3)))),
        "z",
        ["argument 'probs' of the guide's Categorical must be real numbers above 0", "a step may leave that"],
        "warning",
    ),
    "a free matrix as a Cholesky factor": Mistake(
        prior(dist.Normal(torch.zeros(2), 1.0).to_event(1)),
        stated("z", lambda: dist.MultivariateNormal(torch.zeros(2), scale_tril=virgil.param("tril", torch.eye(2)))),
        "z",
        ["argument 'scale_tril' of the guide's MultivariateNormal must be lower Cholesky factors", "lower_cholesky)"],
        SupportError,
    ),
    "a datum outside the support in a later mini-batch": Mistake(
        batches_of_data,
        beta_guide,
        "x",
        ["At site 'x' of the model, the", "lies outside the support of Bernoulli", "7"],
        SupportError,
        args=(DATA,),
    ),
    "the mean of the data in a plate of eight": Mistake(
        mean_of_data,
        nothing,
        "x",
        ["shape (), and so no dim -1, where plate 'data' has size 8", "counts 8 times", ".expand((8,))"],
        "warning",
        args=(torch.arange(8.0),),
    ),
    "one event observed in a plate": Mistake(
        one_event_for_all,
        nothing,
        "y",
        ["shape (4,), that of one event (4,), and so no dim -2, where plate 'd' has size 4", ".expand((4, 4))"],
        "warning",
    ),
    "data that lack the outer of two plates": Mistake(
        data_of((2,), ("rows", 3, -2), ("columns", 2, -1)),
        nothing,
        "x",
        ["shape (2,), and so no dim -2, where plate 'rows' has size 3", "counts 3 times", ".expand((3, 2))"],
        "warning",
    ),
}
