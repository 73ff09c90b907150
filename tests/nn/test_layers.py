"""Layers with a batch of weights: the same as one layer after another, in value and gradient; and who may have one."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.func import functional_call

import virgil
import virgil.distributions as dist
from tests.nn.layers import normal
from virgil.errors import ShapeError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoDelta, AutoNormal
from virgil.nn import PyroModule, PyroSample, to_pyro_module_
from virgil.poutine import trace

X, Y = torch.tensor([[1.0, 0.5], [0.2, -1.0], [-0.7, 0.3], [1.5, 1.1], [0.0, -0.4]]), torch.arange(5.0)


class Inherited(nn.Linear):
    """A user's layer whose forward is torch's."""


def reals(*event):
    return lambda batch: torch.randn(*batch, *event, dtype=torch.double)


def indices(batch):
    return torch.randint(5, batch)


KINDS = {
    "linear": (lambda: nn.Linear(3, 2), [reals(3)]),
    "linear without bias": (lambda: nn.Linear(3, 2, bias=False), [reals(3)]),
    "inherited": (lambda: Inherited(1, 2), [reals(1)]),
    "bilinear": (lambda: nn.Bilinear(3, 4, 2), [reals(3), reals(4)]),
    "layer norm": (lambda: nn.LayerNorm(4, eps=0.1), [reals(4)]),
    "layer norm without bias": (lambda: nn.LayerNorm(4, bias=False), [reals(4)]),
    "layer norm over two dims": (lambda: nn.LayerNorm([2, 3]), [reals(2, 3)]),
    "embedding": (lambda: nn.Embedding(5, 2), [indices]),
}
BATCHES = {  # of the weights, of the input
    "particles outside of a plate": ((4, 1), (3,)),
    "particles that the input has too": ((4, 1), (4, 3)),
    "particles outside of two plates": ((4, 1, 1), (2, 3)),
    "particles, and a plate of one's own": ((4, 3), (3,)),
    "particles without a plate": ((4,), ()),
    "slots of a plate": ((3,), (3,)),
    "an outer plate": ((2, 1), (2, 3)),
}


def each_alone(layer, weights, batch, inputs):
    """The results of a plain layer with each of its arrays of weights, stacked."""
    own = {name: value.dim() for name, value in layer.named_parameters()}
    wide = {name: value.expand(*batch, *value.shape[value.dim() - own[name] :]) for name, value in weights.items()}
    given = [each.expand(*batch, *each.shape[rank:]) for each, rank in inputs]
    results = [
        functional_call(
            layer, {name: value[place] for name, value in wide.items()}, tuple(each[place] for each in given)
        )
        for place in itertools.product(*map(range, batch))
    ]
    return torch.stack(results).reshape(*batch, *results[0].shape)


@pytest.mark.parametrize("batches", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_weights_is_each_of_them_alone(kind, batches):
    torch.manual_seed(0)
    of_weights, of_inputs = batches
    make, inputs = KINDS[kind]
    plain = make().double()
    given = [draw(of_inputs) for draw in inputs]
    whole = torch.broadcast_shapes(of_weights, of_inputs)
    names = [name for name, _ in plain.named_parameters()]
    for random in [names, *([each] for each in names)]:  # all have the batch, or one of them
        layer = copy.deepcopy(plain)
        to_pyro_module_(layer)
        weights = {name: value.detach() for name, value in plain.named_parameters()}
        for name in random:
            weights[name] = torch.randn(*of_weights, *weights[name].shape, dtype=torch.double)
        for name in names:
            weights[name].requires_grad_()
            setattr(layer, name, PyroSample(dist.Normal(0.0, 1.0)))
            setattr(layer, name, weights[name])
        leaves = [*weights.values(), *(each.requires_grad_() for each in given if each.is_floating_point())]
        got = layer(*given)
        expected = each_alone(plain, weights, whole, [(each, len(of_inputs)) for each in given])
        torch.testing.assert_close(got.expand_as(expected), expected, rtol=1e-10, atol=1e-12)
        slope = torch.randn_like(expected)
        pairs = (torch.autograd.grad(result, leaves, slope) for result in (got.expand_as(expected), expected))
        for mine, own in zip(*pairs, strict=True):
            torch.testing.assert_close(mine, own, rtol=1e-10, atol=1e-12)


# Layers inside a plate


class Inside(PyroModule):
    """Calls a layer inside the plate of its data."""

    def __init__(self, random, size=None):
        super().__init__()
        self.layer = PyroModule[nn.Linear](2, 1)
        self.size = size
        for name, prior in random.items():
            setattr(self.layer, name, PyroSample(prior))

    def forward(self, x, y):
        with virgil.plate("data", len(x), subsample_size=self.size) as index:
            mean = self.layer(x[index])[..., 0]
            virgil.sample("y", dist.Normal(mean, 1.0), obs=y[index])


def stating(layer):
    """A prior that has a variable of its own."""
    return dist.Normal(0.0, virgil.sample("scale", dist.LogNormal(0.0, 1.0)).mean()).expand([1, 2]).to_event(2)


WEIGHT = {"weight": normal(1, 2)}
REFUSED = {
    "a weight": (WEIGHT, None, ["'layer.weight'", "plate 'data'", "(5, 1, 2)", "(1, 2)", ".to_event(2)"]),
    "a weight of a mini-batch": (WEIGHT, 4, ["'layer.weight'", "each of the 4 slots"]),
    "a bias": ({"bias": normal(1)}, None, ["'layer.bias'", "(5, 1)", "(1,)", ".to_event(1)"]),
    "a prior that is a function": ({"weight": lambda layer: normal(1, 2)}, None, ["'layer.weight'", "(5, 1, 2)"]),
    "a prior that states more": ({"weight": stating}, None, ["'layer.weight'", "Call the layer before the plate"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_that_would_have_weights_by_slot_unasked(name):
    random, size, parts = REFUSED[name]
    model = Inside(random, size)
    with pytest.raises(ShapeError) as caught:
        SVI(model, AutoDelta(model), virgil.optim.SGD({"lr": 0.1}), Trace_ELBO()).step(X, Y)
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.site == f"layer.{'bias' if 'bias' in random else 'weight'}"


MEANT = {
    "by its shape": dist.Normal(0.0, 1.0).expand([5, 1, 2]).to_event(2),
    "by what it depends on": lambda layer: dist.Normal(Y.reshape(5, 1, 1), 1.0).expand([5, 1, 2]).to_event(2),
}


@pytest.mark.parametrize("particles", [1, 4])
@pytest.mark.parametrize("prior", MEANT.values(), ids=MEANT)
def test_a_layer_of_each_slot_where_it_is_meant(prior, particles):
    model = Inside({"weight": prior})
    nodes = trace(model).get_trace(X, Y).nodes
    weight = nodes["layer.weight"].value
    assert weight.shape == (5, 1, 2)
    expected = (X * weight[:, 0]).sum(-1) + model.layer.bias
    torch.testing.assert_close(nodes["y"].fn.loc, expected)
    elbo = Trace_ELBO(num_particles=particles)
    assert torch.isfinite(torch.tensor(elbo.loss(model, AutoNormal(model), X, Y)))
