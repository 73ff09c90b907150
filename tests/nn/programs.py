"""Module programs, each with the same program written as functions: of ``param`` and ``sample`` statements alone."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import batch_norm, linear

import virgil
import virgil.distributions as dist
from tests.nn import layers as modules
from tests.nn.layers import normal, observe
from virgil.distributions import constraints
from virgil.infer import Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoGuide, AutoGuideList, AutoNormal
from virgil.nn import PyroModule, PyroModuleList, PyroParam
from virgil.poutine import block, condition, lift, mask, scale
from virgil.pyro.dotted_names import deep_getattr, deep_setattr

X = torch.tensor([[1.0, 0.5], [0.2, -1.0], [-0.7, 0.3], [1.5, 1.1], [0.0, -0.4], [-1.2, 0.8]])
Y = torch.tensor([1.2, -0.3, 0.5, 2.0, -0.8, 0.1])
sample = virgil.sample
positive, simplex = constraints.positive, constraints.simplex


class Values:
    """Reads parameters of the names that a module has, begun at the module's values."""

    def __init__(self, module):
        module.float()  # makes what is lazy
        self._values = {
            part._pyro_get_fullname(name): each.detach().clone()
            for part in module.modules()
            if isinstance(part, PyroModule)
            for name, each in part.named_pyro_params(recurse=False)
        }
        self.module = copy.deepcopy(module)  # for its plain networks and buffers

    def __call__(self, name, constraint=constraints.real, event_dim=None):
        return virgil.param(name, self._values[name], constraint=constraint, event_dim=event_dim)

    def layer(self, x, path, weight=None, bias=None):
        """A linear layer; a parameter whose shape is given is random."""
        return linear(x, self.read(f"{path}weight", weight), self.read(f"{path}bias", bias))

    def read(self, name, shape=None):
        return self(name) if shape is None else sample(name, normal(*shape))


def parameters(p, x, y):
    observe(x @ p("w") + p("b"), y)


def one_layer(weight=None, bias=None):
    return lambda p, x, y: observe(p.layer(x, "linear.", weight, bias)[:, 0], y)


def network(p, x, y):
    x = torch.tanh(p.layer(x, "fc1.", (3, 2), (3,)))
    x = torch.tanh(p.layer(x, "fc2.", (3, 3), (3,)))
    observe(p.layer(x, "fc3.", (1, 3), (1,))[:, 0], y)


def nested(p, x, y):
    gain = p("outer.gain", positive)
    observe(gain * p.layer(x, "outer.inner.linear.", (1, 2))[:, 0], y)


def constrained(p, x, y):
    observe(x @ p("w", simplex), y, p("spread", positive))


def declared(p, x, y):
    w, shift = p("w", constraints.interval(-2.0, 2.0)), p("shift")
    spread = sample("spread", dist.LogNormal(0.0, p("gain", positive)))
    observe(x @ w + sample("level", dist.Normal(shift, spread)) + shift, y)


def chain(p, x, y):
    a = sample("a", dist.Normal(0.0, 1.0))
    b = sample("b", dist.Normal(a, 1.0))
    c = sample("c", dist.Normal(b, p("gain", positive)))
    observe(x[:, 0] * virgil.deterministic("doubled", 2 * c) + a, y)


def shared(p, x, y):
    weight, bias = p.read("second.weight", (2, 2)), p("second.bias")
    observe(linear(linear(x, weight, bias), weight, bias).sum(-1), y)


def copies(p, x, y):
    def scaled(path, x):
        return x * p(f"{path}.gain", positive) + sample(f"{path}.shift", dist.Normal(0.0, 1.0))

    observe(scaled("left", x[:, 0]) + scaled("right", x[:, 1]) * scaled("again", x[:, 0]), y)


def listed(p, x, y):
    x = torch.tanh(p.layer(x, "layers.0."))
    x = torch.tanh(p.layer(x, "layers.1.", (2, 2)))
    observe(p.layer(x, "layers.2.")[:, 0], y)


def sequential(p, x, y):
    x = torch.tanh(p.layer(x, "layers.0.", bias=(3,)))
    observe(linear(x, p("layers.2.weight"))[:, 0], y)


def by_key(p, x, y):
    means = [
        x[:, place] * p(f"parts.{side}.gain", positive) + sample(f"parts.{side}.shift", dist.Normal(0.0, 1.0))
        for place, side in enumerate(("left", "right"))
    ]
    observe(means[0] + means[1], y)


def plain(p, x, y):
    gain = sample("gain", dist.LogNormal(0.0, 1.0))
    encoder = virgil.module("encoder", p.module.encoder)
    observe(gain * encoder(x)[:, 0], y)


def mixed(p, x, y):
    last = p.module.encoder[2]
    weight, bias = virgil.param("encoder$$$2.weight", last.weight), virgil.param("encoder$$$2.bias", last.bias)
    x = torch.tanh(p.layer(x, "encoder.0.", (3, 2)))
    observe(linear(x, weight, bias)[:, 0], y)


def normalised(p, x, y):
    norm = p.module.norm
    weight, bias = p.read("norm.weight", (2,)), p("norm.bias")
    observe(batch_norm(x, norm.running_mean, norm.running_var, weight, bias, training=True).sum(-1), y)


def groups(p, x, y):
    with virgil.plate("groups", 3):
        mean = sample("effect.mean", dist.Normal(0.0, 1.0))
        size = sample("effect.size", dist.Normal(mean, 1.0))
    observe(size[torch.arange(6) % 3] + size.sum(), y)


def local(p, x, y):
    with virgil.plate("data", 6, subsample_size=4) as index:
        offset = p("offset", event_dim=0)
        sample("y", dist.Normal(offset + sample("z", dist.Normal(0.0, 1.0)), 1.0), obs=y[index])


def named(p, x, y):
    observe(p("net.gain") * p.layer(x, "net.linear.", bias=(1,))[:, 0], y)


def methods(p, x, y):
    w = sample("w", normal(2))
    observe(x @ w + p("b") + w.sum(), y)


def buffered(p, x, y):
    observe(x @ sample("w", dist.Normal(0.0, p.module.width).expand([2]).to_event(1)), y)


def converted(weights=(None, None), biases=(None, None)):
    def model(p, x, y):
        x = torch.tanh(p.layer(x, "network.0.", weights[0], biases[0]))
        observe(p.layer(x, "network.2.", weights[1], biases[1])[:, 0], y)

    return model


def recurrent(shape=None):
    def model(p, x, y):
        weights = [p.read("rnn.weight_ih_l0", shape), p("rnn.weight_hh_l0"), p("rnn.bias_ih_l0"), p("rnn.bias_hh_l0")]
        outputs, _ = torch.gru(x.reshape(2, 3, 2), torch.zeros(1, 2, 3), weights, True, 1, 0.0, True, False, True)
        observe(outputs.sum(-1).flatten(), y)

    return model


def reassigned(p, x, y):
    gain, w = p("gain", positive), p("w")
    observe(gain * (x @ w) + sample("b", dist.Normal(0.0, 1.0)) + 0.75, y)


def frozen(p, x, y):
    weight, bias = p.module.linear.weight.detach(), p("linear.bias")
    observe(linear(x, weight, bias)[:, 0] * 2.0, y)


def feature(p, x, y):
    shift = sample("shift", dist.Normal(0.0, 1.0))
    observe(p.layer(x, "linear.")[:, 0] + shift, y)


def plain_feature(p, x, y):
    mean = virgil.module("linear", p.module._modules["linear"])(x)[:, 0]
    observe(mean + sample("shift", dist.Normal(0.0, 1.0)), y)


def matrices(p, x, y):
    w = sample("w", dist.MultivariateNormal(torch.zeros(2), scale_tril=p("factor", constraints.lower_cholesky)))
    observe(x @ w + p("shares", simplex)[1], y)


def switch(p, x, y):
    which = sample("which", dist.Bernoulli(0.3))
    locs = p("locs")
    observe(locs[which.long()], y, sample("spread", dist.LogNormal(0.0, 0.5)))


def decoder(p, x, y):
    with virgil.plate("data", len(y)):
        z = sample("z", dist.Normal(0.0, 1.0))
        network = virgil.module("decoder", p.module.decoder)
        sample("y", dist.Normal(network(z.unsqueeze(-1))[..., 0], 1.0), obs=y)


# Guides


def amortised(p, x, y):
    loc, log_scale = p.layer(y.unsqueeze(-1), "encoder.").unbind(-1)
    with virgil.plate("data", len(y)):
        sample("z", dist.Normal(loc, p("width", positive) * log_scale.exp()))


def by_hand(p, x, y):
    sample("linear.weight", dist.Normal(p("linear.loc"), 0.5).to_event(2))


def nothing(*args):
    """A guide for a model without latent variables."""


class Inside(PyroModule):
    """A guide that has others as attributes."""

    def __init__(self, model):
        super().__init__()
        self.weights = AutoNormal(block(model, hide=["fc1.bias", "fc2.bias", "fc3.bias"]))
        self.biases = AutoDelta(block(model, expose=["fc1.bias", "fc2.bias", "fc3.bias"]), init_loc_fn=_zero)

    def forward(self, *args):
        return {**self.weights(*args), **self.biases(*args)}


class Own(AutoGuide):
    """A family of one's own, its parameters set by dotted names."""

    def _setup_prototype(self, *args, **kwargs):
        super()._setup_prototype(*args, **kwargs)
        for name, site in self.prototype_trace.iter_stochastic_nodes():
            deep_setattr(self, f"locs.{name}", PyroParam(torch.zeros_like(site["value"])))
            deep_setattr(self, f"scales.{name}", PyroParam(torch.full_like(site["value"], 0.1), positive))

    def forward(self, *args, **kwargs):
        if self.prototype_trace is None:
            self._setup_prototype(*args, **kwargs)
        for name, site in self.prototype_trace.iter_stochastic_nodes():
            loc, width = deep_getattr(self, f"locs.{name}"), deep_getattr(self, f"scales.{name}")
            sample(name, dist.Normal(loc, width).to_event(site["fn"].event_dim))


def normals(shapes, locs, scales, points=()):
    """The functions that such guides are: normals of the names given, and point masses."""

    def guide(p, *args):
        for name, shape in shapes.items():
            if name in points:
                loc = virgil.param(points[name], torch.zeros(shape))
                sample(name, dist.Delta(loc, event_dim=len(shape)))
            else:
                loc = virgil.param(locs.format(name), torch.zeros(shape))
                width = virgil.param(scales.format(name), torch.full(shape, 0.1), constraints.softplus_positive)
                sample(name, dist.Normal(loc, width).to_event(len(shape)))

    return guide


def parts(model):
    return (
        AutoGuideList(model)
        .append(AutoNormal(block(model, hide=["linear.bias"])))
        .append(AutoDelta(block(model, expose=["linear.bias"]), init_loc_fn=_zero))
    )


def hand_part(*args):
    sample("linear.bias", dist.Normal(virgil.param("loc", torch.zeros(1)), 0.1).to_event(1))


def vector_parts(model):
    return (
        AutoGuideList(model)
        .append(AutoDiagonalNormal(block(model, hide=["linear.bias"]), _zero))
        .append(AutoDiagonalNormal(block(model, expose=["linear.bias"]), _zero))
    )


def _zero(site):
    return torch.zeros(site.fn.batch_shape + site.fn.event_shape)


WEIGHT_AND_BIAS = {"linear.weight": (1, 2), "linear.bias": (1,)}
LAYERS = {"fc1": (3, 2), "fc2": (3, 3), "fc3": (1, 3)}
WEIGHTS = {f"{name}.weight": shape for name, shape in LAYERS.items()}
BIASES = {f"{name}.bias": shape[:1] for name, shape in LAYERS.items()}


@dataclass
class Program:
    """A model and guide as modules, and as functions.

    Attributes:
        module: makes the model.
        function: the model, given ``Values`` and the arguments.
        guide: makes the guide of either model.
        function_guide: where the guide is a module, what it is as a function.
        of: what of the module is the model.
        wrap: what is put around either model.
        has_names: whether all functions in it can be pickled.
        makes_early: whether the guide's parameters can be loaded before it is called.
    """

    module: Callable[[], Any]
    function: Callable[..., Any]
    guide: Callable[..., Any] = AutoNormal
    function_guide: Callable[..., Any] | None = None
    of: Callable[[Any], Any] = lambda module: module
    wrap: Callable[..., Any] = lambda model: model
    objective: Callable[[], Any] = Trace_ELBO
    has_names: bool = True
    makes_early: bool = True


def without_latents(model):
    return nothing


PROGRAMS = {
    "parameters": Program(modules.Parameters, parameters, without_latents),
    "a layer": Program(modules.Linear, one_layer(), without_latents),
    "random weight": Program(lambda: modules.Linear(["weight"]), one_layer((1, 2))),
    "random weight and bias": Program(lambda: modules.Linear(["weight", "bias"]), one_layer((1, 2), (1,))),
    "three random layers": Program(modules.Network, network),
    "nested": Program(modules.Nested, nested),
    "constrained": Program(modules.Constrained, constrained, without_latents),
    "declared in the class": Program(modules.Declared, declared),
    "each depends on another": Program(modules.Chain, chain, has_names=False),
    "shared": Program(modules.Shared, shared),
    "copies of one class": Program(modules.Copies, copies),
    "list": Program(lambda: modules.Listed(PyroModuleList), listed),
    "list by another name": Program(lambda: modules.Listed(PyroModule[nn.ModuleList]), listed),
    "plain list": Program(lambda: modules.Listed(nn.ModuleList), listed),
    "inserted": Program(modules.Inserted, listed),
    "sequential": Program(modules.Sequential, sequential),
    "by key": Program(modules.ByKey, by_key),
    "plain network": Program(modules.Plain, plain),
    "plain network with a program inside": Program(modules.Mixed, mixed),
    "batch normalisation": Program(modules.Normalised, normalised),
    "plates over a module": Program(modules.Groups, groups, has_names=False),
    "mini-batches": Program(modules.Local, local),
    "a name of its own": Program(modules.Named, named),
    "a method": Program(modules.Methods, methods, of=lambda module: module.model),
    "buffer": Program(modules.Buffered, buffered),
    "converted": Program(lambda: modules.Converted(False), converted(), without_latents),
    "converted and random": Program(
        lambda: modules.Converted(True), converted(((3, 2), (1, 3)), ((3,), (1,)))
    ),
    "recurrent": Program(modules.Recurrent, recurrent(), without_latents),
    "random recurrent": Program(lambda: modules.Recurrent(["weight_ih_l0"]), recurrent((9, 2))),
    "reassigned": Program(modules.Reassigned, reassigned),
    "frozen": Program(modules.Frozen, frozen, without_latents),
    "two bases": Program(modules.Inherited, feature),
    "a user's network": Program(modules.Mixin, plain_feature),
    "matrices": Program(modules.Matrices, matrices, has_names=False),
    "summed out": Program(
        modules.Switch,
        switch,
        lambda model: AutoNormal(block(model, hide=["which"])),
        wrap=virgil.infer.config_enumerate,
        objective=TraceEnum_ELBO,
    ),
    "masked and scaled": Program(
        lambda: modules.Linear(["weight"]),
        one_layer((1, 2)),
        wrap=lambda model: scale(mask(model, mask=torch.tensor(True)), scale=2.0),
    ),
    "conditioned": Program(
        lambda: modules.Linear(["weight", "bias"]),
        one_layer((1, 2), (1,)),
        wrap=lambda model: condition(model, data={"linear.bias": torch.ones(1)}),
    ),
    "lifted": Program(
        modules.Linear, one_layer(), wrap=lambda model: lift(model, prior={"linear.bias": normal(1)})
    ),
    "amortised guide": Program(modules.Decoder, decoder, lambda model: modules.Amortised(), amortised),
    "guide by hand": Program(
        lambda: modules.Linear(["weight"]), one_layer((1, 2)), lambda model: modules.Hand(), by_hand
    ),
    "guides as attributes": Program(
        modules.Network,
        network,
        Inside,
        normals(
            {**WEIGHTS, **BIASES},
            "weights.locs.{}",
            "weights.scales.{}",
            {name: f"biases.{name}" for name in BIASES},
        ),
    ),
    "guide of parts": Program(
        lambda: modules.Linear(["weight", "bias"]),
        one_layer((1, 2), (1,)),
        parts,
        normals(
            WEIGHT_AND_BIAS,
            "AutoGuideList.0.locs.{}",
            "AutoGuideList.0.scales.{}",
            {"linear.bias": "AutoGuideList.1.linear.bias"},
        ),
    ),
    "a function as a part": Program(
        lambda: modules.Linear(["weight", "bias"]),
        one_layer((1, 2), (1,)),
        lambda model: AutoGuideList(model).append(AutoNormal(block(model, hide=["linear.bias"]))).append(hand_part),
    ),
    "parts of vectors": Program(
        lambda: modules.Linear(["weight", "bias"]), one_layer((1, 2), (1,)), vector_parts
    ),
    "a family of one's own": Program(
        lambda: modules.Linear(["weight", "bias"]), one_layer((1, 2), (1,)), Own, makes_early=False
    ),
}  # fmt: skip
