"""Modules that are programs, at a module's top so that they can be pickled; each has a like in ``programs.py``."""

import copy

import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.nn import PyroModule, PyroModuleList, PyroParam, PyroSample, pyro_method, to_pyro_module_


def normal(*shape):
    return dist.Normal(0.0, 1.0).expand(shape).to_event(len(shape))


def observe(mean, y, scale=1.0):
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal(mean, scale), obs=y)


class Observed(PyroModule):
    """Says what the mean of the observations is."""

    scale = 1.0

    def forward(self, x, y):
        observe(self.mean(x), y, self.scale)


class Parameters(Observed):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(2))
        self.b = nn.Parameter(torch.randn(()))

    def mean(self, x):
        return x @ self.w + self.b


class Linear(Observed):
    def __init__(self, random=()):
        super().__init__()
        self.linear = PyroModule[nn.Linear](2, 1)
        for name in random:
            setattr(self.linear, name, PyroSample(normal(*getattr(self.linear, name).shape)))

    def mean(self, x):
        return self.linear(x)[:, 0]


class Network(Observed):
    def __init__(self):
        super().__init__()
        for name, (inner, outer) in {"fc1": (2, 3), "fc2": (3, 3), "fc3": (3, 1)}.items():
            layer = PyroModule[nn.Linear](inner, outer)
            layer.weight = PyroSample(normal(outer, inner))
            layer.bias = PyroSample(normal(outer))
            setattr(self, name, layer)

    def mean(self, x):
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))[:, 0]


class Nested(Observed):
    def __init__(self):
        super().__init__()
        self.outer = PyroModule()
        self.outer.inner = PyroModule()
        self.outer.inner.linear = PyroModule[nn.Linear](2, 1)
        self.outer.inner.linear.weight = PyroSample(normal(1, 2))
        self.outer.gain = PyroParam(torch.tensor(1.5), constraint=constraints.positive)

    def mean(self, x):
        return self.outer.gain * self.outer.inner.linear(x)[:, 0]


class Constrained(Observed):
    def __init__(self):
        super().__init__()
        self.w = PyroParam(torch.tensor([0.3, 0.7]), constraint=constraints.simplex)
        self.spread = PyroParam(lambda: torch.rand(()) + 0.5, constraint=constraints.positive)

    def forward(self, x, y):
        observe(x @ self.w, y, self.spread)


class Declared(Observed):
    gain = PyroParam(torch.tensor(2.0), constraint=constraints.positive)

    def __init__(self):
        super().__init__()
        self.size = 2

    @PyroParam
    def shift(self):
        return torch.randn(())

    @PyroParam(constraint=constraints.interval(-2.0, 2.0))
    def w(self):
        return torch.rand(self.size)

    @PyroSample
    def level(self):
        return dist.Normal(self.shift, self.spread)

    @PyroSample
    def spread(self):
        return dist.LogNormal(0.0, self.gain)

    def mean(self, x):
        return x @ self.w + self.level + self.shift


class Chain(Observed):
    """Each depends on the one before; one is a tensor. Written with functions without names."""

    def __init__(self):
        super().__init__()
        self.c = PyroSample(lambda self: dist.Normal(self.b, self.gain))
        self.b = PyroSample(lambda self: dist.Normal(self.a, 1.0))
        self.a = PyroSample(dist.Normal(0.0, 1.0))
        self.doubled = PyroSample(lambda self: 2 * self.c)
        self.gain = PyroParam(torch.tensor(0.7), constraint=constraints.positive)

    def mean(self, x):
        return x[:, 0] * self.doubled + self.a


class Shared(Observed):
    """One layer under two names: the last is its own."""

    def __init__(self):
        super().__init__()
        layer = PyroModule[nn.Linear](2, 2)
        layer.weight = PyroSample(normal(2, 2))
        self.first = layer
        self.second = layer

    def mean(self, x):
        return self.second(self.first(x)).sum(-1)


class Scale(PyroModule):
    def __init__(self, start):
        super().__init__()
        self.gain = PyroParam(torch.tensor(start), constraint=constraints.positive)
        self.shift = PyroSample(dist.Normal(0.0, 1.0))

    def forward(self, x):
        return x * self.gain + self.shift


class Copies(Observed):
    """Two copies of one class, and a copy of one of them."""

    def __init__(self):
        super().__init__()
        self.left = Scale(1.0)
        self.right = Scale(2.0)
        self.again = copy.deepcopy(self.right)

    def mean(self, x):
        return self.left(x[:, 0]) + self.right(x[:, 1]) * self.again(x[:, 0])


class Listed(Observed):
    """Modules in a list, of which parts are taken; ``kind`` makes the list."""

    def __init__(self, kind):
        super().__init__()
        self.layers = kind([PyroModule[nn.Linear](2, 2), PyroModule[nn.Linear](2, 2), PyroModule[nn.Linear](2, 1)])
        self.layers[1].weight = PyroSample(normal(2, 2))

    def mean(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)[:, 0]


class Inserted(Listed):
    """The same, but for the order in which the list is filled."""

    def __init__(self):
        super().__init__(PyroModuleList)
        first = self.layers[0]
        del self.layers[0]
        self.layers.insert(0, first)


class Sequential(Observed):
    def __init__(self):
        super().__init__()
        self.layers = PyroModule[nn.Sequential](
            PyroModule[nn.Linear](2, 3), nn.Tanh(), PyroModule[nn.Linear](3, 1, bias=False)
        )
        self.layers[0].bias = PyroSample(normal(3))

    def mean(self, x):
        return self.layers(x)[:, 0]


class ByKey(Observed):
    def __init__(self):
        super().__init__()
        self.parts = PyroModule[nn.ModuleDict]({"left": Scale(1.0), "right": Scale(3.0)})

    def mean(self, x):
        return self.parts["left"](x[:, 0]) + self.parts["right"](x[:, 1])


class Plain(Observed):
    """A plain network inside, with batch normalisation."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 1))
        self.gain = PyroSample(dist.LogNormal(0.0, 1.0))

    def mean(self, x):
        return self.gain * self.encoder(x)[:, 0]


class Mixed(Observed):
    """A plain network with a program inside."""

    def __init__(self):
        super().__init__()
        random = PyroModule[nn.Linear](2, 3)
        random.weight = PyroSample(normal(3, 2))
        self.encoder = nn.Sequential(random, nn.Tanh(), nn.Linear(3, 1))

    def mean(self, x):
        return self.encoder(x)[:, 0]


class Normalised(Observed):
    def __init__(self):
        super().__init__()
        self.norm = PyroModule[nn.BatchNorm1d](2)
        self.norm.weight = PyroSample(normal(2))

    def mean(self, x):
        return self.norm(x).sum(-1)


class Groups(Observed):
    """Plates over a module: its weights are read inside one."""

    def __init__(self):
        super().__init__()
        self.effect = PyroModule()
        self.effect.mean = PyroSample(dist.Normal(0.0, 1.0))
        self.effect.size = PyroSample(lambda self: dist.Normal(self.mean, 1.0))

    def mean(self, x):
        with virgil.plate("groups", 3):
            size = self.effect.size
        return size[torch.arange(6) % 3] + self.effect.size.sum()


class Local(PyroModule):
    """A latent variable for each observation, with parameters for each of which a mini-batch is taken."""

    def __init__(self):
        super().__init__()
        self.offset = PyroParam(torch.arange(6.0), event_dim=0)
        self.z = PyroSample(dist.Normal(0.0, 1.0))

    def forward(self, x, y):
        with virgil.plate("data", 6, subsample_size=4) as index:
            virgil.sample("y", dist.Normal(self.offset + self.z, 1.0), obs=y[index])


class Named(Observed):
    def __init__(self):
        super().__init__("net")
        self.linear = PyroModule[nn.Linear](2, 1)
        self.linear.bias = PyroSample(normal(1))
        self.gain = nn.Parameter(torch.randn(()))

    def mean(self, x):
        return self.gain * self.linear(x)[:, 0]


class Methods(PyroModule):
    """Its programs are methods, which share what they read."""

    def __init__(self):
        super().__init__()
        self.w = PyroSample(normal(2))
        self.b = nn.Parameter(torch.randn(()))

    @pyro_method
    def model(self, x, y):
        observe(self.mean(x) + self.w.sum(), y)

    @pyro_method
    def mean(self, x):
        return x @ self.w + self.b


class Buffered(Observed):
    def __init__(self):
        super().__init__()
        self.register_buffer("width", torch.tensor(0.5))
        self.calls = 0

    @PyroSample
    def w(self):
        return dist.Normal(0.0, self.width).expand([2]).to_event(1)

    def mean(self, x):
        self.calls += 0
        return x @ self.w


class Converted(Observed):
    """A network made a program in place, its weights random."""

    def __init__(self, random):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        to_pyro_module_(self.network)
        for module in self.network.modules():
            for name, value in list(module.named_parameters(recurse=False)) if random else ():
                setattr(module, name, PyroSample(normal(*value.shape)))

    def mean(self, x):
        return self.network(x)[:, 0]


class Recurrent(Observed):
    def __init__(self, random=()):
        super().__init__()
        self.rnn = PyroModule[nn.GRU](2, 3, batch_first=True)
        for name in random:
            setattr(self.rnn, name, PyroSample(normal(*getattr(self.rnn, name).shape)))

    def mean(self, x):
        outputs, _ = self.rnn(x.reshape(2, 3, 2))
        return outputs.sum(-1).flatten()


class Reassigned(Observed):
    """Attributes become something else after they have been made."""

    def __init__(self):
        super().__init__()
        self.gain = PyroParam(torch.tensor(1.0), constraint=constraints.positive)
        self.gain = torch.tensor(3.0)
        self.w = PyroSample(normal(2))
        self.w = nn.Parameter(torch.randn(2))
        self.b = nn.Parameter(torch.randn(()))
        self.b = PyroSample(dist.Normal(0.0, 1.0))
        self.c = PyroParam(torch.ones(()))
        del self.c
        self.c = 0.5
        self.d = PyroSample(dist.Normal(0.0, 1.0))
        self.d = torch.tensor(0.25)

    def mean(self, x):
        return self.gain * (x @ self.w) + self.b + self.c + self.d


class Frozen(Linear):
    """Some of its parameters are not learnt."""

    def __init__(self):
        super().__init__()
        self.linear.weight.requires_grad_(False)
        self.gain = PyroParam(torch.tensor(2.0), constraint=constraints.positive)
        self.gain_unconstrained.requires_grad_(False)

    def mean(self, x):
        return super().mean(x) * self.gain


class Feature(nn.Module):
    """A user's plain network, with a method that changes."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, x):
        return self.linear(x)[:, 0]


class Inherited(Feature, PyroModule):
    """A network's class, and then a program."""

    def __init__(self):
        super().__init__()
        self.linear = PyroModule[nn.Linear](2, 1)
        self.shift = PyroSample(dist.Normal(0.0, 1.0))

    def forward(self, x, y):
        observe(super().forward(x) + self.shift, y)


class Mixin(PyroModule[Feature]):
    """A program that is a user's network."""

    def __init__(self):
        super().__init__()
        self.shift = PyroSample(dist.Normal(0.0, 1.0))

    def forward(self, x, y):
        observe(super().forward(x) + self.shift, y)


class Matrices(Observed):
    """Constraints whose unconstrained values have another shape."""

    def __init__(self):
        super().__init__()
        self.factor = PyroParam(torch.tensor([[1.0, 0.0], [0.5, 2.0]]), constraint=constraints.lower_cholesky)
        self.w = PyroSample(lambda self: dist.MultivariateNormal(torch.zeros(2), scale_tril=self.factor))
        self.shares = PyroParam(torch.tensor([0.2, 0.3, 0.5]), constraint=constraints.simplex)

    def mean(self, x):
        return x @ self.w + self.shares[1]


class Switch(PyroModule):
    """A discrete variable, summed out."""

    def __init__(self):
        super().__init__()
        self.which = PyroSample(dist.Bernoulli(0.3))
        self.locs = PyroParam(torch.tensor([-1.0, 1.0]))
        self.spread = PyroSample(dist.LogNormal(0.0, 0.5))

    def forward(self, x, y):
        which = self.which
        observe(self.locs[which.long()], y, self.spread)


class Amortised(PyroModule):
    """A guide: a network from the observation to its latent variable's law."""

    def __init__(self):
        super().__init__()
        self.encoder = PyroModule[nn.Linear](1, 2)
        self.width = PyroParam(torch.tensor(0.5), constraint=constraints.positive)

    def forward(self, x, y):
        loc, log_scale = self.encoder(y.unsqueeze(-1)).unbind(-1)
        with virgil.plate("data", len(y)):
            virgil.sample("z", dist.Normal(loc, self.width * log_scale.exp()))


class Decoder(PyroModule):
    def __init__(self):
        super().__init__()
        self.decoder = nn.Linear(1, 1)

    def forward(self, x, y):
        with virgil.plate("data", len(y)):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("y", dist.Normal(self.decoder(z.unsqueeze(-1))[..., 0], 1.0), obs=y)


class Hand(PyroModule):
    """A guide by hand, whose own random variables are the model's."""

    def __init__(self):
        super().__init__()
        self.linear = PyroModule()
        self.linear.loc = nn.Parameter(torch.randn(1, 2))
        self.linear.weight = PyroSample(_around)

    def forward(self, x, y):
        return {"linear.weight": self.linear.weight}


def _around(linear):
    return dist.Normal(linear.loc, 0.5).to_event(2)
