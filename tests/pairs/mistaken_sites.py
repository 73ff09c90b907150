"""Which sites there are: misspelt, missing, left out though discrete, without data. Model, guide and what is said."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.enumerated import flip, pick, see
from tests.pairs.mistake import Mistake
from tests.pairs.statements import NORMAL, ONE, program
from virgil.errors import ArgumentError, MismatchError
from virgil.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoNormal

MARKED = {"infer": {"enumerate": "parallel"}}


def nothing(*args):
    pass


def with_data(data=None):
    z = virgil.sample("z", NORMAL)
    virgil.sample("x", dist.Normal(z, 1.0), obs=data)


def of_z(data=None):
    virgil.sample("z", NORMAL)


def discrete(**options):
    return lambda: see("x", flip("k", 0.3, **options))


def mixture():
    with virgil.plate("data", 4):
        see("x", pick("k").float())


MISTAKES = {
    "missing": Mistake(
        program(("mu", NORMAL), ("sigma", dist.Gamma(2.0, 1.0))),
        program(("mu", NORMAL)),
        "sigma",
        ["'sigma' is latent in the model, Gamma", "missing in the guide", "Add virgil.sample('sigma', ...)"],
        MismatchError,
    ),
    "misspelt": Mistake(
        program(("sigma", NORMAL)),
        program(("sigmma", NORMAL)),
        "sigmma",
        ["'sigmma' is in the guide but not in the model", "Did you mean 'sigma'?", "Use the model's name"],
        MismatchError,
    ),
    "misspelt, seen from the model": Mistake(
        program(("sigma", NORMAL)),
        program(("sigmma", NORMAL)),
        "sigma",
        ["'sigma' is latent in the model", "Did you mean 'sigmma'?"],
        MismatchError,
        is_first=False,
    ),
    "an empty guide": Mistake(
        program(("mu", NORMAL), ("nu", NORMAL)),
        nothing,
        "mu",
        ["The guide has no sample site at all", "Missing as well: 'nu'"],
        MismatchError,
    ),
    "a site that the model lacks": Mistake(
        program(("mu", NORMAL)),
        program(("mu", NORMAL), ("u", NORMAL)),
        "u",
        ["'u' is in the guide but not in the model", '{"is_auxiliary": True}'],
        MismatchError,
    ),
    "data sampled in the guide": Mistake(
        program(("x", NORMAL, {"obs": ONE})),
        program(("x", NORMAL)),
        "x",
        ["'x' is observed in the model, but the guide samples it", "take the statement out"],
        MismatchError,
    ),
    "no data": Mistake(
        with_data,
        of_z,
        "x",
        ["'x' is latent in the model", "called with None for 'data'", "obs=None makes it latent"],
        MismatchError,
    ),
    "data of None": Mistake(
        with_data, of_z, "x", ["called with None for 'data'", "obs=None"], MismatchError, args=(None,)
    ),
    "no data, which an automatic guide takes for a variable": Mistake(
        with_data,
        AutoNormal(with_data),
        None,
        ["The model observes nothing", "None for 'data'", "fitted to the prior", "Pass the data"],
        "warning",
    ),
    "discrete, and not marked": Mistake(
        discrete(),
        nothing,
        "k",
        ["'k' is latent", "TraceEnum_ELBO sums a discrete variable out", "config_enumerate"],
        MismatchError,
        loss=Trace_ELBO,
    ),
    "discrete, and not marked, under enumeration": Mistake(
        discrete(), nothing, "k", ["'k' is latent", "config_enumerate"], MismatchError, loss=TraceEnum_ELBO
    ),
    "marked, and nobody sums": Mistake(
        config_enumerate(mixture),
        nothing,
        "k",
        ["'k' is latent", "marked to be enumerated, but Trace_ELBO does not enumerate", "TraceEnum_ELBO sums"],
        MismatchError,
        loss=Trace_ELBO,
    ),
    "marked in no known way": Mistake(
        discrete(infer={"enumerate": "paralel"}),
        nothing,
        "k",
        ["'enumerate': 'paralel'", "no way to enumerate", "Write 'parallel'"],
        MismatchError,
        loss=TraceEnum_ELBO,
    ),
    "marked, with too many values": Mistake(
        lambda: see("x", virgil.sample("k", dist.Poisson(ONE), **MARKED)),
        nothing,
        None,
        ["'k' is marked to be enumerated, but Poisson has no finite support", "sample it in the guide"],
        ArgumentError,
    ),
    "summed out and drawn": Mistake(
        config_enumerate(mixture),
        lambda: _guide_of_k(None),
        "k",
        ["'k' is marked in the model to be summed out exactly", "nats lower", "Take the statement out"],
        "note",
    ),
    "summed out and enumerated": Mistake(
        config_enumerate(mixture),
        lambda: _guide_of_k("parallel"),
        "k",
        ["'k' is marked in the model to be summed out exactly", "nats lower", "{'enumerate': None}"],
        "note",
    ),
}


def _guide_of_k(way):
    with virgil.plate("data", 4):
        logits = virgil.param("logits", torch.tensor([0.8, -0.1]))
        virgil.sample("k", dist.Categorical(logits=logits), infer={"enumerate": way})
