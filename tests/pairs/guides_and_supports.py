"""More model and guide pairs that fit together: arguments, automatic guides, modules, priors and supports."""

from __future__ import annotations

import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.pairs.enumerated import EACH, MOVES, nothing, pick, see
from tests.pairs.mistake import Pair
from tests.pairs.plain import scalar_model
from tests.pairs.plated import DATA, POSITIVE, leaf, local_guide, local_model, nested_model, normal
from virgil import poutine
from virgil.infer import Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate
from virgil.infer.autoguide import (
    AutoDelta,
    AutoDiagonalNormal,
    AutoGuideList,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoNormal,
    init_to_median,
)
from virgil.nn import PyroModule, PyroParam, PyroSample

UNIT = dist.constraints.unit_interval


# arguments


def of_batches(indices, batch, size=8):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", size, subsample=indices):
        z = virgil.sample("z", dist.Normal(mu, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=batch)


def guide_of_batches(indices, batch, size=8):
    normal("mu")
    locs = leaf("locs", torch.zeros(size))
    with virgil.plate("data", size, subsample=indices):
        virgil.sample("z", dist.Normal(locs[indices], 1.0))


def of_a_loader(batch):
    """The plate says how many data there are in all; the batch is what a DataLoader has cut."""
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 100, subsample_size=len(batch)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=batch)


def guide_of_mu(batch):
    normal("mu")


def amortised_batches(batch):
    with virgil.plate("data", 100, subsample_size=len(batch)):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=batch)


def encoder_of_batches(batch):
    slope = leaf("slope", 0.5)
    with virgil.plate("data", 100, subsample_size=len(batch)):
        virgil.sample("z", dist.Normal(slope * batch, 1.0))


def with_or_without_label(x, y=None):
    with virgil.plate("data", len(x)):
        y = virgil.sample("y", dist.Bernoulli(0.4), obs=y)
        virgil.sample("x", dist.Normal(y, 1.0), obs=x)


def guide_of_label(x, y=None):
    if y is None:
        with virgil.plate("data", len(x)):
            virgil.sample("y", dist.Bernoulli(logits=leaf("slope", 0.1) * x), **EACH)


# sites


def with_a_hidden_site():
    with poutine.block(hide=["noise"]):
        noise = virgil.sample("noise", dist.Normal(0.0, 1.0))
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(z + noise, 1.0), obs=torch.tensor(1.0))


def conditioned(program):
    return poutine.condition(program, data={"x": DATA})


def not_observed_yet():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Normal(z, 1.0))


def fixed_level():
    level = virgil.sample("level", dist.Normal(0.0, 1.0))
    z = virgil.sample("z", dist.Normal(level, 1.0))
    virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(1.0))


def guide_of_level_and_z():
    normal("level")
    normal("z")


def one_value_for_all():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(0.3))


def the_same_data_in_each_row():
    with virgil.plate("fits", 3, dim=-2):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        with virgil.plate("data", 4, dim=-1):
            virgil.sample("x", dist.Normal(z, 1.0), obs=DATA.expand(3, 4))


def guide_of_rows():
    with virgil.plate("fits", 3, dim=-2):
        normal("z", (3, 1))


def masked_by_data():
    missing = torch.tensor([1.0, float("nan"), 2.0, 0.5])
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 4), poutine.mask(mask=~missing.isnan()):
        virgil.sample("x", dist.Normal(z, 1.0), obs=missing)


def switched_off():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with poutine.mask(mask=False):
        virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(1.0))


def factors_only():
    w = virgil.sample("w", dist.ImproperUniform(dist.constraints.real, (), ()))
    virgil.factor("energy", -((w - 1.0) ** 2))


def positive_improper():
    s = virgil.sample("s", dist.ImproperUniform(POSITIVE, (), ()))
    virgil.sample("x", dist.Normal(0.0, s), obs=torch.tensor(1.0))


def guide_of_s():
    virgil.sample("s", dist.LogNormal(leaf("m", 0.0), 0.3))


def factor_in_both():
    virgil.factor("energy", -(virgil.sample("z", dist.Normal(0.0, 1.0)) ** 2))


def likelihood_alone():
    loc = virgil.param("loc", torch.tensor(0.0))
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Normal(loc, 1.0), obs=DATA)


# supports


def share():
    p = virgil.sample("p", dist.Uniform(0.0, 1.0))
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Bernoulli(p), obs=torch.tensor([1.0, 0.0, 1.0, 1.0]))


def beta_guide():
    virgil.sample("p", dist.Beta(leaf("a", 2.0, constraint=POSITIVE), leaf("b", 2.0, constraint=POSITIVE)))


def logit_normal_guide():
    base = dist.Normal(leaf("m", 0.0), leaf("s", 1.0, constraint=POSITIVE))
    virgil.sample("p", dist.TransformedDistribution(base, [torch.distributions.transforms.SigmoidTransform()]))


def point_guide():
    virgil.sample("p", dist.Delta(leaf("p", 0.4, constraint=UNIT)))


def correlated():
    tril = virgil.sample("tril", dist.LKJCholesky(3, 1.0))
    virgil.sample("x", dist.MultivariateNormal(torch.zeros(3), scale_tril=tril), obs=torch.tensor([0.1, -0.3, 0.5]))


def direction():
    angle = virgil.sample("angle", dist.VonMises(0.0, 1.0))
    virgil.sample("x", dist.Normal(angle.cos(), 0.5), obs=torch.tensor(0.3))


def guide_of_direction():
    virgil.sample("angle", dist.VonMises(leaf("m", 0.1), leaf("k", 2.0, constraint=POSITIVE)))


def counts():
    rate = virgil.sample("rate", dist.Gamma(2.0, 1.0))
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Poisson(rate), obs=torch.tensor([1.0, 0.0, 3.0, 2.0]))


def gamma_guide():
    virgil.sample("rate", dist.Gamma(leaf("a", 2.0, constraint=POSITIVE), leaf("b", 1.0, constraint=POSITIVE)))


def unknown_count():
    n = virgil.sample("n", dist.Poisson(3.0))
    virgil.sample("x", dist.Normal(n, 1.0), obs=torch.tensor(2.0))


def geometric_guide():
    virgil.sample("n", dist.Poisson(leaf("rate", 2.0, constraint=POSITIVE)))


# dependence


def funnel():
    scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
    with virgil.plate("groups", 3):
        effect = virgil.sample("effect", dist.Normal(0.0, scale))
        virgil.sample("x", dist.Normal(effect, 1.0), obs=torch.tensor([0.3, -1.0, 2.0]))


def structured_guide():
    scale = virgil.sample("scale", dist.LogNormal(leaf("m", 0.0), 0.3))
    with virgil.plate("groups", 3):
        virgil.sample("effect", dist.Normal(leaf("e", torch.zeros(3)) * scale, scale))


def state_space():
    z = torch.zeros(3)
    with virgil.plate("series", 3):
        for t in range(4):
            z = virgil.sample(f"z_{t}", dist.Normal(0.9 * z, 1.0))
            virgil.sample(f"x_{t}", dist.Normal(z, 1.0), obs=DATA[t].expand(3))


def backward_guide():
    """In another order than the model."""
    with virgil.plate("series", 3):
        for t in reversed(range(4)):
            normal(f"z_{t}", (3,))


# enumeration


@config_enumerate
def crowds():
    """A discrete variable a row, and one a cell below it."""
    with virgil.plate("rows", 2, dim=-2):
        kind = pick("kind")
        with virgil.plate("columns", 3, dim=-1):
            see("x", pick("z", kind).float())


@config_enumerate
def switching():
    """A chain in each of several series."""
    state = torch.tensor(0)
    with virgil.plate("series", 2, dim=-1):
        for t in virgil.markov(range(4)):
            state = pick(f"s_{t}", state)
            see(f"x_{t}", virgil.param("locs", torch.tensor([-1.0, 1.0]))[state])


@config_enumerate
def batch_of_mixture(batch):
    weights = virgil.sample("weights", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("data", 50, subsample_size=len(batch)):
        z = virgil.sample("z", dist.Categorical(weights))
        virgil.sample("x", dist.Normal(torch.tensor([-1.0, 1.0])[z], 1.0), obs=batch)


def dirichlet_guide(batch):
    virgil.sample("weights", dist.Dirichlet(leaf("alpha", torch.ones(2), constraint=POSITIVE)))


def meant_for_the_guide():
    """Marked by hand not to be summed out, though the model's other one is."""
    with virgil.plate("data", 4):
        a = pick("a", infer={"enumerate": None})
        see("x", (a + pick("b", **EACH)).float())


def guide_of_a():
    with virgil.plate("data", 4):
        virgil.sample("a", dist.Categorical(logits=leaf("logits", MOVES[0])), **EACH)


# modules


class Regression(PyroModule):
    """Weights are sampled, the noise is a parameter."""

    def __init__(self):
        super().__init__()
        self.noise = PyroParam(torch.tensor(1.0), constraint=POSITIVE)
        self.weight = PyroSample(dist.Normal(0.0, 1.0))

    def forward(self, x):
        loc = self.weight * x
        with virgil.plate("data", len(x)):
            virgil.sample("y", dist.Normal(loc, self.noise), obs=2 * x)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(1, 2)

    def forward(self, x):
        virgil.module("encoder", self)
        with virgil.plate("data", len(x)):
            loc, log_scale = self.net(x.unsqueeze(-1)).unbind(-1)
            virgil.sample("z", dist.Normal(loc, log_scale.exp()))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(1, 1)

    def forward(self, x):
        virgil.module("decoder", self)
        with virgil.plate("data", len(x)):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(self.net(z.unsqueeze(-1)).squeeze(-1), 1.0), obs=x)


def _two_guides():
    guide = AutoGuideList(local_model)
    guide.append(AutoDelta(poutine.block(local_model, expose=["mu"])))
    guide.append(AutoNormal(poutine.block(local_model, hide=["mu"])))
    return guide


def fitted_by_likelihood():
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Normal(leaf("loc", 0.0), 1.0), obs=DATA)


def of_many_particles():
    return Trace_ELBO(num_particles=6)


def in_many_particles():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    assert z.shape == (6, 1)
    with virgil.plate("data", 4):
        virgil.sample("x", dist.Normal(z, 1.0), obs=DATA)


def in_many_particles_too():
    assert normal("z").shape == (6, 1)


@config_enumerate
def with_dims_of_values():
    with virgil.plate("data", 4):
        k = pick("k")
        assert k.shape[1:] == (1,)
        see("x", k.float())


regression = Regression()
MARKED = config_enumerate(with_or_without_label)

PAIRS = {
    "indices and batch as arguments": Pair(of_batches, guide_of_batches, (torch.tensor([5, 2, 0]), DATA[:3])),
    "batches of a loader": Pair(of_a_loader, guide_of_mu, (DATA,)),
    "amortised batches of a loader": Pair(amortised_batches, encoder_of_batches, (DATA,)),
    "with labels": Pair(with_or_without_label, guide_of_label, (DATA, torch.tensor([1.0, 0.0, 1.0, 1.0]))),
    "without labels": Pair(with_or_without_label, guide_of_label, (DATA,), TraceEnum_ELBO),
    "without labels, summed out": Pair(MARKED, nothing, (DATA,)),
    "hidden site": Pair(with_a_hidden_site, lambda: normal("z")),
    "conditioned": Pair(conditioned(not_observed_yet), lambda: normal("z")),
    "intervened on": Pair(poutine.do(fixed_level, data={"level": torch.tensor(0.7)}), guide_of_level_and_z),
    "one value for all": Pair(one_value_for_all, lambda: normal("z")),
    "the same data in each row": Pair(the_same_data_in_each_row, guide_of_rows),
    "missing data, masked": Pair(masked_by_data, lambda: normal("z")),
    "switched off": Pair(switched_off, lambda: normal("z")),
    "improper prior": Pair(factors_only, lambda: normal("w")),
    "positive improper prior": Pair(positive_improper, guide_of_s),
    "factor alone": Pair(factor_in_both, lambda: normal("z")),
    "likelihood alone": Pair(likelihood_alone, nothing),
    "beta for uniform": Pair(share, beta_guide),
    "transformed for uniform": Pair(share, logit_normal_guide),
    "point for uniform": Pair(share, point_guide),
    "correlation": Pair(correlated, AutoNormal(correlated)),
    "angle": Pair(direction, guide_of_direction),
    "gamma for gamma": Pair(counts, gamma_guide),
    "count for count": Pair(unknown_count, geometric_guide),
    "structured guide": Pair(funnel, structured_guide),
    "structured guide, mean field": Pair(funnel, structured_guide, loss=TraceMeanField_ELBO),
    "state space, backward": Pair(state_space, backward_guide),
    "nested discrete": Pair(crowds, nothing),
    "chains in a plate": Pair(switching, nothing),
    "mixture by mini-batches": Pair(batch_of_mixture, dirichlet_guide, (DATA,)),
    "one summed out, one in the guide": Pair(meant_for_the_guide, guide_of_a),
    "AutoDelta": Pair(local_model, AutoDelta(local_model)),
    "AutoNormal": Pair(nested_model, AutoNormal(nested_model)),
    "AutoNormal of batches": Pair(of_a_loader, AutoNormal(of_a_loader, init_loc_fn=init_to_median), (DATA,)),
    "AutoNormal, hiding": Pair(batch_of_mixture, AutoNormal(poutine.block(batch_of_mixture, hide=["z"])), (DATA,)),
    "AutoDiagonalNormal": Pair(funnel, AutoDiagonalNormal(funnel)),
    "AutoMultivariateNormal": Pair(funnel, AutoMultivariateNormal(funnel)),
    "AutoLowRankMultivariateNormal": Pair(funnel, AutoLowRankMultivariateNormal(funnel, rank=1)),
    "AutoMultivariateNormal, one site": Pair(scalar_model, AutoMultivariateNormal(scalar_model)),
    "AutoGuideList": Pair(local_model, _two_guides()),
    "by hand, of the same": Pair(local_model, local_guide),
    "AutoNormal of no variable": Pair(fitted_by_likelihood, AutoNormal(fitted_by_likelihood)),
    "AutoMultivariateNormal of no variable": Pair(fitted_by_likelihood, AutoMultivariateNormal(fitted_by_likelihood)),
    "asserted dim of particles": Pair(in_many_particles, in_many_particles_too, loss=of_many_particles),
    "asserted dim of enumerated values": Pair(with_dims_of_values, nothing),
    "PyroModule": Pair(regression, AutoNormal(regression), (DATA,)),
    "networks in both": Pair(Decoder(), Encoder(), (DATA,)),
}
