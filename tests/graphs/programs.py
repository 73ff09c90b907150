"""Programs of every kind that a step may be captured from, with guides and objectives."""

import torch

import virgil
import virgil.distributions as dist
from tests.exact.reparameterising import Decentered
from tests.graphs.test_capture import ENUMERATED, PROGRAMS, Y, mixture, schools
from virgil.distributions import constraints
from virgil.infer import Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import (
    AutoAmortized,
    AutoBatchedMultivariateNormal,
    AutoDAIS,
    AutoDelta,
    AutoDiagonalNormal,
    AutoGaussian,
    AutoHierarchicalNormalMessenger,
    AutoIAFNormal,
    AutoLaplaceApproximation,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoNormal,
    AutoNormalMessenger,
    AutoPartialNonCentered,
    AutoRegressiveMessenger,
    AutoStructured,
    complete,
)
from virgil.infer.reparam import AutoReparam, DiscreteCosineReparam, HaarReparam, SplitReparam, StudentTReparam
from virgil.poutine import block, reparam


class Network:
    """Batch normalisation and dropout in the guide, a network in the model."""

    def __init__(self):
        self.encoder = torch.nn.Sequential(
            torch.nn.Linear(1, 3),
            torch.nn.Tanh(),
            torch.nn.BatchNorm1d(3),
            torch.nn.Dropout(0.3),
            torch.nn.Linear(3, 2),
        )
        self.decoder = torch.nn.Linear(1, 1)

    def model(self, y):
        virgil.module("decoder", self.decoder)
        with virgil.plate("J", 8):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("y", dist.Normal(self.decoder(z.unsqueeze(-1))[:, 0], 10.0), obs=y)

    def guide(self, y):
        virgil.module("encoder", self.encoder)
        loc, log_scale = self.encoder(y.unsqueeze(-1) / 10).chunk(2, -1)
        with virgil.plate("J", 8):
            virgil.sample("z", dist.Normal(loc[:, 0], log_scale[:, 0].exp()))


def rates(y):
    rate = virgil.sample("rate", dist.Gamma(2.0, 1.0))
    shares = virgil.sample("shares", dist.Dirichlet(torch.ones(3)))
    with virgil.plate("J", 8):
        virgil.sample("y", dist.Normal(rate * shares[0], 10.0), obs=y)


def rates_guide(y):
    a = virgil.param("a", torch.tensor(3.0), constraint=constraints.positive)
    virgil.sample("rate", dist.Gamma(a, 1.5))
    virgil.sample("shares", dist.Dirichlet(virgil.param("c", torch.full((3,), 2.0), constraint=constraints.positive)))


def plain(y):
    """Torch's own distributions, which know nothing of captures."""
    mu = virgil.sample("mu", torch.distributions.Normal(0.0, 5.0))
    spread = virgil.sample("spread", torch.distributions.LogNormal(0.0, 1.0))
    with virgil.plate("J", 8):
        virgil.sample("y", torch.distributions.StudentT(4.0, mu, spread), obs=y)


def masked(y):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    with virgil.plate("J", 8), virgil.poutine.mask(mask=y > 0), virgil.poutine.scale(scale=2.0):
        virgil.sample("y", dist.StudentT(4.0, mu, 10.0), obs=y)


def in_batches(y):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    with virgil.plate("J", 8, subsample_size=3) as index:
        theta = virgil.sample("theta", dist.Normal(mu, 5.0))
        slope = virgil.sample("slope", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        virgil.sample("y", dist.Normal(theta + slope.sum(-1), 10.0), obs=y[index])


def only_mu(y):
    virgil.sample("mu", dist.Normal(virgil.param("mu_loc", torch.tensor(0.5)), 1.0))


_AUTO = (AutoDelta, AutoNormal, AutoDiagonalNormal, AutoMultivariateNormal, AutoLowRankMultivariateNormal)

DEPENDENT = (
    AutoDAIS,
    AutoGaussian,
    AutoIAFNormal,
    AutoLaplaceApproximation,
    AutoNormalMessenger,
    AutoPartialNonCentered,
    AutoRegressiveMessenger,
    AutoStructured,
)


def _network():
    network = Network()
    return network.model, network.guide


def _theta(y):
    """A part of a guide, for the schools' effects."""
    with virgil.plate("J", 8):
        virgil.sample("theta", dist.Normal(virgil.param("effects", torch.zeros(8)), 3.0))


def flips(y):
    g = virgil.sample("g", dist.Normal(0.0, 1.0))
    with virgil.plate("J", 8):
        z = virgil.sample("z", dist.Bernoulli(0.5))
        virgil.sample("y", dist.Normal(10.0 * z, 10.0), obs=y)
    virgil.sample("total", dist.Normal(z.sum(-1, keepdim=True) + g, 2.0), obs=torch.tensor(3.0))


def flips_guide(y):
    """Scores, and a variable after the plate that has nothing to do with its slots."""
    with virgil.plate("J", 8):
        virgil.sample("z", dist.Bernoulli(logits=virgil.param("logits", torch.zeros(8))))
    virgil.sample("g", dist.Normal(virgil.param("loc", torch.tensor(0.1)), 1.0))


def restatable(y):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    tau = virgil.sample("tau", dist.LogNormal(0.0, 1.0))
    to = virgil.sample("to", dist.ProjectedNormal(torch.ones(3)))
    share = virgil.sample("share", dist.RelaxedOneHotCategorical(torch.tensor(0.7), torch.ones(3)))
    with virgil.plate("J", 8):
        theta = virgil.sample("theta", dist.Normal(mu, tau))
        virgil.sample("y", dist.StudentT(4.0, theta + to[0] + share[0], 10.0), obs=y)


def _reparameterised():
    return reparam(AutoReparam()(restatable), config={"y": StudentTReparam()})


def restatable_series(y):
    series = virgil.sample("series", dist.Normal(torch.zeros(8), 5.0).to_event(1))
    with virgil.plate("J", 8):
        level = virgil.sample("level", dist.Normal(torch.zeros(8), 1.0))
        virgil.sample("y", dist.Normal(series + level, 10.0), obs=y)


def _reparameterised_series():
    config = {
        "series": HaarReparam(),
        "series_haar": SplitReparam([2, 6], -1),
        "level": DiscreteCosineReparam(smooth=1.0, experimental_allow_batch=True),
    }
    return reparam(restatable_series, config=config)


# name -> makes model, guide and objective anew
PAIRS = {
    **{f"{name}, {kind.__name__}": lambda pair=pair, kind=kind: (*pair, kind()) for name, pair in PROGRAMS.items()
       for kind in (Trace_ELBO, TraceMeanField_ELBO)},
    **{name: lambda pair=pair: (*pair, TraceEnum_ELBO()) for name, pair in ENUMERATED.items()},
    **{kind.__name__: lambda kind=kind: (schools, kind(schools), Trace_ELBO()) for kind in _AUTO},
    **{f"{kind.__name__}, TraceMeanField_ELBO": lambda kind=kind: (schools, kind(schools), TraceMeanField_ELBO())
       for kind in _AUTO},
    **{f"{kind.__name__}, TraceEnum_ELBO": lambda kind=kind: (
        mixture, kind(block(mixture, hide=["which"])), TraceEnum_ELBO()
    ) for kind in _AUTO},
    **{kind.__name__: lambda kind=kind: (schools, kind(schools), Trace_ELBO()) for kind in DEPENDENT},
    **{f"{kind.__name__}, TraceEnum_ELBO": lambda kind=kind: (
        mixture, kind(block(mixture, hide=["which"])), TraceEnum_ELBO(num_particles=2)
    ) for kind in DEPENDENT},
    "AutoGaussian of mini-batches": lambda: (in_batches, AutoGaussian(in_batches), Trace_ELBO(num_particles=2)),
    "AutoBatchedMultivariateNormal": lambda: (
        in_batches, AutoBatchedMultivariateNormal(in_batches), Trace_ELBO(num_particles=2)
    ),
    "AutoAmortized": lambda: (schools, AutoAmortized(schools, plate="J"), Trace_ELBO()),
    "complete": lambda: (schools, complete(only_mu, schools), Trace_ELBO()),
    "AutoHierarchicalNormalMessenger": lambda: (
        schools, AutoHierarchicalNormalMessenger(schools, hierarchical_sites=["theta"]), Trace_ELBO()
    ),
    "three particles": lambda: (schools, AutoNormal(schools), Trace_ELBO(num_particles=3)),
    "three particles in turn": lambda: (
        schools, AutoNormal(schools), Trace_ELBO(num_particles=3, vectorize_particles=False)
    ),
    "completed": lambda: (schools, complete(_theta, schools), Trace_ELBO()),
    "network": lambda: (*_network(), Trace_ELBO()),
    "gamma and Dirichlet": lambda: (rates, rates_guide, Trace_ELBO()),
    "torch's own distributions": lambda: (plain, AutoNormal(plain), Trace_ELBO()),
    "scores": lambda: (flips, flips_guide, Trace_ELBO()),
    "scores of three particles": lambda: (flips, flips_guide, Trace_ELBO(num_particles=3)),
    "mask and scale": lambda: (masked, AutoNormal(masked), Trace_ELBO()),
    "reparameterised by a handler": lambda: (
        Decentered("theta")(schools), AutoNormal(Decentered("theta")(schools)), Trace_ELBO()
    ),
    "reparameterisers": lambda: (
        _reparameterised(), AutoNormal(_reparameterised()), Trace_ELBO()
    ),
    "reparameterisers of series and pieces": lambda: (
        _reparameterised_series(), AutoNormal(_reparameterised_series()), Trace_ELBO()
    ),
}  # fmt: skip
ARGS = (Y,)
