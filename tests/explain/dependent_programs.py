"""Programs in which a value comes to another statement by a way of its own."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints

TWO, TABLE = torch.tensor([-0.7, 1.3]), torch.tensor([[0.5, -1.0], [2.0, 0.1]])
DATA = torch.tensor([0.3, -1.2, 0.8])


def normal(name, loc=0.0, scale=1.0, **options):
    return virgil.sample(name, dist.Normal(loc, scale), **options)


def see(name, loc, value=0.4, scale=1.0):
    return normal(name, loc, scale, obs=torch.as_tensor(value))


def flip(name, probs=0.5):
    return virgil.sample(name, dist.Bernoulli(torch.as_tensor(probs)))


def pair():
    return normal("a"), normal("b")


def by_number():
    a, b = pair()
    which = virgil.sample("which", dist.Categorical(torch.ones(2)))
    see("x", TABLE[which, 1] + a)
    see("y", TABLE[which].sum() + b)


def by_index_of_a_latent():
    locs = virgil.sample("locs", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    which = virgil.sample("which", dist.Categorical(torch.ones(2)))
    see("x", locs[which])
    see("y", locs.sum())  # which has left no trace in `locs`


def by_gather():
    with virgil.plate("components", 2):
        locs = normal("locs")
    with virgil.plate("data", 3):
        which = virgil.sample("which", dist.Categorical(torch.ones(2)))
        virgil.sample("x", dist.Normal(locs.gather(0, which), 1.0), obs=DATA)


def assigned():
    a, b = pair()
    buffer = torch.zeros(3)
    see("before", buffer.sum())
    buffer[1] = a
    see("x", buffer.sum())
    buffer[2 * flip("where").long()] = 3.0
    see("y", (buffer * DATA).sum())
    see("z", b)


def through_a_view():
    a, _ = pair()
    buffer = torch.zeros(2, 2)
    row = buffer[1]
    row.add_(a)
    see("x", buffer.sum())


def shape_alone():
    a, b = pair()
    see("x", torch.zeros_like(a) + b.new_ones(()))
    see("y", torch.full((len(a.expand(3)),), 2.0).sum() * b)


def by_branch():
    a = normal("a")
    if a > 0:
        see("x", 1.0)
    else:
        see("y", -1.0)


def by_number_of_rounds():
    see("before", 0.0)
    count = virgil.sample("count", dist.Categorical(torch.ones(3)))
    for i in range(int(count)):
        see(f"x_{i}", 0.0)


def geometric():
    t, more = 0, torch.tensor(1.0)
    while more:
        more = flip(f"more_{t}", 0.4)
        t += 1


def by_list():
    a = normal("a")
    see("x", torch.tensor(a.tolist()))


def by_numpy():
    a = normal("a")
    see("x", torch.as_tensor(a.numpy().copy()))


def only_printed_by_its_own():
    a, b = pair()
    see("x", a.detach() + b.data)


def conditional_density():
    a, b = pair()
    virgil.sample("x", torch.distributions.Normal(a, b.exp()), obs=torch.tensor(0.1))
    virgil.sample("c", torch.distributions.Gamma(b.exp(), 1.0))


def mixture_of_families():
    weights = virgil.sample("weights", dist.Dirichlet(torch.ones(2)))
    locs = virgil.sample("locs", dist.Normal(TWO, 1.0).to_event(1))
    fn = dist.MixtureSameFamily(dist.Categorical(weights), dist.Normal(locs, 1.0))
    virgil.sample("x", fn, obs=torch.tensor(0.2))


def transformed():
    a, b = pair()
    shift = torch.distributions.AffineTransform(a, 2.0)
    y = virgil.sample("y", dist.TransformedDistribution(dist.Normal(b, 1.0), [shift]))
    see("x", y)


def counted():
    total = virgil.sample("total", dist.Binomial(4, torch.tensor(0.5)))
    p = virgil.sample("p", dist.Beta(1.0, 1.0))
    virgil.sample("x", dist.Binomial(5 + total, p), obs=torch.tensor(2.0))


def weighted():
    a, b = pair()
    with poutine.mask(mask=flip("kept").bool()), poutine.scale(scale=b.exp()):
        see("x", a)


def factors():
    a, b = pair()
    virgil.factor("penalty", -(a**2))
    see("x", b)


def observed_value_is_computed():
    a, b = pair()
    x = normal("x", a, obs=b.detach() + 1.0)
    see("y", x)


def deterministic_between():
    a, b = pair()
    total = virgil.deterministic("total", a + b)
    see("x", total)
    see("y", total + a)


def blocked():
    a, b = pair()
    with poutine.block():
        hidden = normal("hidden", a)
    see("x", hidden.detach() * 0 + a)
    see("y", b)


def parameters():
    loc = virgil.param("loc", torch.zeros(2))
    scale = virgil.param("scale", torch.ones(()), constraint=constraints.positive)
    a = virgil.sample("a", dist.Normal(loc, 1.0).to_event(1))
    see("x", a.sum(), scale=scale)


def derivative():
    a, b = pair()
    with torch.enable_grad():
        point = a.detach().requires_grad_()
        (slope,) = torch.autograd.grad(point**3, point)
    see("x", slope)
    see("y", b)


def mapped():
    a, b = pair()
    see("x", torch.func.vmap(lambda each: each * a)(DATA).sum())
    see("y", b)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return 2 * value

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


def own_function():
    a, _ = pair()
    see("x", Doubled.apply(a))


def not_sampled():
    a = virgil.sample("a", dist.ImproperUniform(constraints.positive, (), ()))
    see("x", 0.0, scale=a)


def crossing():
    a = normal("a")
    rows = virgil.plate("rows", 2, dim=-2)
    with rows:
        row = normal("row", a)
    with virgil.plate("columns", 3, dim=-1):
        column = normal("column")
        with rows:
            see("x", row + column, DATA)


def mini_batch():
    a = normal("a")
    with virgil.plate("data", 3, subsample_size=2) as batch:
        z = normal("z", a)
        see("x", z, DATA[batch])


def autoregressive():
    a, x = normal("a"), torch.tensor(0.5)
    for t in virgil.markov(range(3)):
        x = see(f"x_{t}", a * x, DATA[t])


PROGRAMS = {
    each.__name__: each
    for each in (
        *(by_number, by_index_of_a_latent, by_gather, assigned, through_a_view, shape_alone, by_branch),
        *(by_number_of_rounds, geometric, by_list, by_numpy, only_printed_by_its_own, conditional_density),
        *(mixture_of_families, transformed, counted, weighted, factors, observed_value_is_computed),
        *(deterministic_between, blocked, parameters, derivative, mapped, own_function, crossing, mini_batch),
        *(autoregressive,),
    )
}
