"""Ways to get a number that is not finite: programs of one tensor, which goes wrong for one of its values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.infer import Trace_ELBO

ZERO, ONE = torch.tensor(0.0), torch.tensor(1.0)


def point():
    """A guide of ``z`` by two parameters."""
    loc = virgil.param("loc", torch.tensor(0.5))
    scale = virgil.param("scale", ONE, constraint=constraints.positive)
    return virgil.sample("z", dist.Normal(loc, scale))


def guide(x):
    point()


def sampled():
    return virgil.sample("z", dist.Normal(0.0, 1.0))


def observed(loc, scale=1.0, value=ONE):
    virgil.sample("y", dist.Normal(loc, scale), obs=value)


def adam():
    return virgil.optim.Adam({"lr": 0.01})


def sgd(**options):
    return lambda: virgil.optim.SGD({"lr": 0.01, **options})


@dataclass(frozen=True)
class Way:
    """A program that works for ``good`` and goes wrong for ``bad``.

    Attributes:
        program: makes model and guide.
        good: an argument of both.
        bad: likewise.
        site: at fault.
        words: which the message must hold, in this order.
        optim: makes the optimiser.
        lead: further arguments that work, just before the bad one.
        objective: makes the objective.
    """

    program: Callable[[], tuple[Any, Any]]
    good: Any
    bad: Any
    site: str
    words: tuple[str, ...]
    optim: Callable[[], Any] = adam
    lead: tuple[Any, ...] = ()
    objective: Callable[[], Any] = field(default=Trace_ELBO)


def of_model(body, other=guide):
    """A program whose model draws ``z`` and does something with it."""

    def model(x):
        body(x, sampled())

    return lambda: (model, other)


def pulled(body, init=ZERO, constraint=constraints.real):
    """A program with one more parameter, whose gradient is the argument."""
    name = "far" if constraint is constraints.real else "wide"

    def pulling(x):
        point()
        virgil.factor("pull", body(x, virgil.param(name, init, constraint=constraint)), has_rsample=True)

    return of_model(lambda x, z: observed(z), pulling)


def covariance(x, z):
    virgil.sample("y", dist.MultivariateNormal(z.expand(2), torch.eye(2) + x * (1 - torch.eye(2))), obs=torch.ones(2))


def root_at_zero(x, z):
    observed(z + (virgil.param("w", ONE) * x).abs().sqrt())


def branch_not_taken(x, z):
    w = virgil.param("w", ONE)
    observed(z + torch.where(x > 0, w, (w * x.square()).exp()))


def all_impossible(x, z):
    virgil.factor("all", torch.logsumexp(torch.where(x > 0, torch.zeros(3), -torch.inf) + z, -1))


def shares(x, z):
    virgil.sample("shares", dist.Dirichlet((-x + z * 0).exp() * torch.ones(3)), obs=torch.tensor([0.2, 0.3, 0.5]))


def network():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    nn.init.constant_(net[0].weight, 2.0)

    def model(x):
        virgil.module("net", net)
        z = sampled()
        with virgil.plate("rows", 5):
            observed(z + net(x).squeeze(-1), value=torch.ones(5))

    return model, guide


def outside():
    def model(x):
        virgil.sample("u", dist.Uniform(0.0, 1.0))

    def shifted(x):
        point()
        virgil.sample("u", dist.Uniform(x, x + 1.0))

    return (lambda x: (model(x), sampled())), shifted


def scheduled():
    """Its rate is infinite from the fifth step on."""
    options = {
        "optimizer": torch.optim.SGD,
        "optim_args": {"lr": 0.01},
        "lr_lambda": lambda number: 1.0 if number < 2 else torch.inf,
    }
    return virgil.optim.LambdaLR(options)


ROWS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))

WAYS = {
    "overflow of a scale": Way(
        of_model(lambda x, z: observed(z, 1 + x.exp())),
        ONE,
        torch.tensor(100.0),
        "y",
        ("The loss is not finite: at site 'y' of the model, argument 'scale' of Normal is infinite", "exp(100)"),
    ),
    "zero scale": Way(
        of_model(lambda x, z: observed(z, x.relu())),
        ONE,
        -ONE,
        "y",
        ("argument 'scale' of Normal is outside GreaterThan(lower_bound=0.0)", "zero"),
    ),
    "log of zero": Way(
        of_model(lambda x, z: observed(z * x.log())),
        ONE,
        ZERO,
        "y",
        ("argument 'loc' of Normal is infinite", "from site 'z'", "log(0)", "logarithm of zero"),
    ),
    "singular covariance": Way(
        of_model(covariance),
        0.5 * ONE,
        ONE,
        "y",
        ("argument 'covariance_matrix' of MultivariateNormal is outside PositiveDefinite()", "add jitter"),
    ),
    "NaN in data": Way(
        of_model(lambda x, z: observed(z, value=x)),
        ONE,
        ONE * torch.nan,
        "y",
        ("the observed value is NaN. Use poutine.mask or obs_mask",),
    ),
    "NaN in a covariate": Way(
        of_model(lambda x, z: observed(z * x)),
        ONE,
        ONE * torch.nan,
        "y",
        ("argument 'loc' of Normal is NaN", "came in from outside", "Correct the data"),
    ),
    "out-of-support draw": Way(
        outside, ZERO, torch.tensor(3.0), "u", ("at site 'u' of the model", "lies outside the support of Uniform")
    ),
    "exploding rate of a count": Way(
        of_model(lambda x, z: virgil.sample("n", dist.Poisson((x + 0 * z).exp()), obs=ONE)),
        ONE,
        torch.tensor(200.0),
        "n",
        ("argument 'rate' of Poisson is infinite", "exp overflows"),
    ),
    "empty plate": Way(
        of_model(lambda x, z: observed(z + x.mean())),
        torch.ones(3),
        torch.ones(0),
        "y",
        ("argument 'loc' of Normal is NaN", "mean", "empty"),
    ),
    "division by a count of zero": Way(
        of_model(lambda x, z: observed(z + x.sum() / (x > 0).sum())),
        torch.ones(3),
        torch.zeros(3),
        "y",
        ("argument 'loc' of Normal is NaN", "division(0, 0)", "count.clamp(min=1)"),
    ),
    "root at zero": Way(
        of_model(root_at_zero),
        ONE,
        ZERO,
        "w",
        ("the gradient of 'w' is not", "argument 'loc' of site 'y'", "square root"),
    ),
    "zero times infinity in a branch not taken": Way(
        of_model(branch_not_taken),
        ONE,
        torch.tensor(20.0),
        "w",
        ("the gradient of 'w' is not", "on the way to argument 'loc' of site 'y'", "Exp", "branch that is not taken"),
    ),
    "underflow of a concentration": Way(
        of_model(shares),
        ONE,
        torch.tensor(200.0),
        "shares",
        ("argument 'concentration' of Dirichlet is outside", "underflow"),
    ),
    "logsumexp of nothing": Way(of_model(all_impossible), ONE, ZERO, "all", ("at site 'all' of the model", "infinite")),
    "a network that overflows": Way(
        network,
        ROWS,
        torch.cat([ROWS[:4], torch.full((1, 3), 1e38)]),
        "y",
        ("argument 'loc' of Normal is NaN", "large"),
    ),
    "a schedule gone wrong": Way(
        of_model(lambda x, z: observed(z + x)),
        ONE,
        ONE,
        "loc",
        ("the optimiser's step would make parameter 'loc'", "The learning rate is inf", "schedule"),
        optim=scheduled,
    ),
    "an exploding gradient": Way(
        pulled(lambda x, far: x * (far - far.detach())),
        ZERO,
        torch.tensor(3e38),
        "far",
        ("the optimiser's step would make parameter 'far' infinite", "The learning rate is 10", "Likely cause"),
        optim=lambda: virgil.optim.SGD(lambda name: {"lr": 10.0 if name == "far" else 0.01}),
    ),
    "a transform that overflows": Way(
        pulled(lambda x, wide: x * wide.log(), ONE, constraints.positive),
        ZERO,
        torch.tensor(-2e4),
        "wide",
        ("make parameter 'wide' infinite, where its unconstrained value is", "constraint"),
        optim=sgd(),
    ),
    "momentum that overflows": Way(
        pulled(lambda x, far: x * (far - far.detach())),
        ZERO,
        torch.tensor(3e38),
        "far",
        ("the optimiser's step would make parameter 'far' infinite",),
        optim=sgd(lr=1e-38, momentum=0.9),
        lead=(torch.tensor(3e38),),
    ),
}
