"""Networks that give parameters: what depends on what is read off the Jacobian, exactly."""

import copy
import itertools
import pickle

import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import SVI, Trace_ELBO
from virgil.nn import (
    AutoRegressiveNN,
    ConditionalAutoRegressiveNN,
    ConditionalDenseNN,
    DenseNN,
    MaskedLinear,
    create_mask,
)

pytestmark = pytest.mark.long


PERMUTATIONS = [torch.tensor(order) for size in (1, 2, 3, 4) for order in itertools.permutations(range(size))]
HIDDEN = {"none": [], "one": [16], "three": [9, 16, 11]}
CONTEXT = 3


def positive(network):
    """All weights made positive, so that no two paths through the network can cancel."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.1 + parameter.abs())
    return network.double()


def depends(network, *inputs, on):
    """For each parameter, which of its outputs move with which units of an input. Shape: (output, unit)."""
    outputs = jacobian(lambda each: network(*inputs[:on], each, *inputs[on + 1 :]), inputs[on])
    return [each.flatten(0, -2) != 0 for each in (outputs if isinstance(outputs, tuple) else (outputs,))]


def earlier(permutation):
    """Which variables stand before which. Shape: (variable, variable)."""
    order = permutation.argsort()
    return order[:, None] > order


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_a_variable_depends_on_all_those_before_it_and_on_no_other(hidden, skip):
    for permutation in PERMUTATIONS:
        size = len(permutation)
        network = positive(AutoRegressiveNN(size, hidden, [1, 2], permutation, skip, torch.nn.Softplus()))
        assert torch.equal(network.get_permutation(), permutation)
        first, second = depends(network, torch.randn(size).double(), on=0)
        assert torch.equal(first, earlier(permutation)), permutation
        assert torch.equal(second.unflatten(0, (2, size)), earlier(permutation).expand(2, size, size)), permutation


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_every_variable_depends_on_all_of_the_context(hidden, skip):
    for permutation in PERMUTATIONS:
        size = len(permutation)
        network = ConditionalAutoRegressiveNN(size, CONTEXT, hidden, [1, 1], permutation, skip, torch.nn.Softplus())
        inputs = torch.randn(size).double(), torch.randn(CONTEXT).double()
        for each in depends(positive(network), *inputs, on=0):
            assert torch.equal(each, earlier(permutation)), permutation
        for each in depends(network, *inputs, on=1):
            assert each.all(), permutation


def test_what_may_not_be_depended_on_has_a_derivative_of_exactly_zero_whatever_the_weights():
    network = ConditionalAutoRegressiveNN(5, 2, [7, 30], [1, 3], skip_connections=True)
    for each in depends(network, torch.randn(5), torch.randn(2), on=0):
        assert not (each.unflatten(0, (-1, 5)) & ~earlier(network.permutation)).any()


def test_masks_are_those_of_degrees():
    """Three variables in the order 2, 0, 1 have degrees 2, 3, 1; four hidden units have 1, 1, 2, 2."""
    masks, skip = create_mask(3, 0, [4], torch.tensor([2, 0, 1]), 2)
    into_hidden = [[0, 0, 1], [0, 0, 1], [1, 0, 1], [1, 0, 1]]
    into_outputs = [[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]
    past = [[0, 0, 1], [1, 0, 1], [0, 0, 0]]
    assert [mask.tolist() for mask in masks] == [into_hidden, 2 * into_outputs]
    assert skip.tolist() == 2 * past


def test_units_of_context_have_degree_zero():
    """Hidden units have degrees 0, 0, 1, 1; the first of the two variables depends on the context alone."""
    masks, skip = create_mask(2, 1, [4], torch.tensor([0, 1]), 1)
    assert masks[0].tolist() == [[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0]]
    assert masks[1].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert skip.tolist() == [[1, 0, 0], [1, 1, 0]]


def test_degrees_are_in_equal_shares():
    for size, count in itertools.product(range(2, 7), range(6, 20)):
        masks, _ = create_mask(size, 0, [count], torch.arange(size), 1)
        degrees = masks[0].sum(1).long()
        shares = degrees.bincount(minlength=size)[1:]
        assert shares.sum() == count
        assert shares.max() - shares.min() <= 1


@pytest.mark.parametrize("batch", [(), (7,), (2, 7)])
@pytest.mark.parametrize("dims", [[1], [3], [1, 1], [1, 5, 3]], ids=str)
def test_shapes(batch, dims):
    x, context = torch.randn(*batch, 4), torch.randn(2)
    dense = [DenseNN(4, [8], dims)(x), ConditionalDenseNN(4, 2, [8, 8], dims)(x, context)]
    ordered = [AutoRegressiveNN(4, [8], dims)(x), ConditionalAutoRegressiveNN(4, 2, [8, 8], dims)(x, context)]
    flat = set(dims) == {1}
    for outputs, expected in [
        *((each, [(*batch, dim) for dim in dims]) for each in dense),
        *((each, [(*batch, 4) if flat else (*batch, dim, 4) for dim in dims]) for each in ordered),
    ]:
        assert isinstance(outputs, tuple) is (len(dims) > 1)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        assert [tuple(each.shape) for each in outputs] == expected


def test_a_dense_network_is_its_layers():
    network = DenseNN(4, [8, 6], [1, 2], torch.tanh)
    x = torch.randn(5, 4)
    first, second, last = network.layers
    expected = last(torch.tanh(second(torch.tanh(first(x)))))
    assert torch.equal(torch.cat(network(x), -1), expected)


def test_a_network_without_hidden_layers_is_linear():
    network, x, y = DenseNN(4, [], [3]), torch.randn(4), torch.randn(4)
    torch.testing.assert_close(network(x) - network(y), network.layers[0].weight @ (x - y))


def test_a_context_is_the_same_for_the_whole_batch_or_one_for_each():
    for kind in (ConditionalDenseNN, ConditionalAutoRegressiveNN):
        network, x, context = kind(4, 2, [8], [3]), torch.randn(5, 4), torch.randn(5, 2)
        each = torch.stack([network(one, its) for one, its in zip(x, context, strict=True)])
        torch.testing.assert_close(network(x, context), each)
        assert torch.equal(network(x, context[0]), network(x, context[:1].expand(5, 2)))


def test_a_skip_connection_adds_a_masked_linear_map():
    network = AutoRegressiveNN(4, [8], [2], skip_connections=True)
    x, skip = torch.randn(4), network.skip_layer
    whole = network(x)
    network.skip_layer = None
    added = (skip.weight * skip.mask) @ x
    torch.testing.assert_close(whole, network(x) + added.unflatten(0, (2, 4)))


def test_a_masked_connection_gets_no_gradient():
    mask = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    layer, x = MaskedLinear(3, 2, mask), torch.randn(5, 3)
    torch.testing.assert_close(layer(x), x @ (layer.weight * mask).T + layer.bias)
    layer(x).square().sum().backward()
    assert torch.equal(layer.weight.grad != 0, mask.bool())
    assert MaskedLinear(3, 2, mask, bias=False).bias is None
    assert torch.equal(MaskedLinear(3, 2, mask.bool(), bias=False)(torch.zeros(3)), torch.zeros(2))


MADE = {
    "dense": lambda: DenseNN(4, [8]),
    "dense, context": lambda: ConditionalDenseNN(4, 2, [8]),
    "autoregressive": lambda: AutoRegressiveNN(4, [8, 6], [1, 2]),
    "autoregressive, context": lambda: ConditionalAutoRegressiveNN(4, 2, [8], skip_connections=True),
    "with parameters in the nonlinearity": lambda: AutoRegressiveNN(4, [8], nonlinearity=nn.PReLU()),
}
networks = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


def call(network, x):
    context = [torch.tensor([0.5, -1.0], dtype=x.dtype)] if getattr(network, "context_dim", 0) else []
    outputs = network(x, *context)
    return torch.cat([each.flatten(1) for each in outputs], -1)


@networks
def test_copies_compute_the_same(make):
    network, x = make(), torch.randn(3, 4)
    expected = call(network, x)
    assert torch.equal(call(copy.deepcopy(network), x), expected)
    assert torch.equal(call(pickle.loads(pickle.dumps(network)), x), expected)
    other = make()  # made with other weights and another random order
    assert not torch.equal(call(other, x), expected)
    other.load_state_dict(network.state_dict())
    assert torch.equal(call(other, x), expected)
    torch.testing.assert_close(call(network.double(), x.double()), expected.double(), rtol=1e-4, atol=1e-5)


@networks
def test_steps_are_the_same_on_every_engine(make):
    network = make()
    x, y = torch.randn(6, 4), torch.randn(6)

    def losses(engine):
        virgil.clear_param_store()
        learnt = copy.deepcopy(network)

        def model():
            virgil.module("network", learnt)
            with virgil.plate("data", 6):
                virgil.sample("y", dist.Normal(call(learnt, x).sum(-1), 1.0), obs=y)

        svi = SVI(model, lambda: None, virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
        return svi.run(5, engine=engine).losses

    eager = losses("eager")
    assert eager[-1] < eager[0]
    torch.testing.assert_close(losses("xla"), eager, rtol=1e-5, atol=1e-5)


MISTAKES = {
    "a hidden layer without room": (
        lambda: AutoRegressiveNN(5, [8, 3]),
        ArgumentError,
        r"hidden_dims=\[8, 3\] for input_dim=5; a hidden layer with less than 4 units",
    ),
    "no room for the context's degree": (
        lambda: ConditionalAutoRegressiveNN(5, 1, [4]),
        ArgumentError,
        "less than 5 units",
    ),
    "a number for a list": (lambda: DenseNN(5, 8), ArgumentError, r"hidden_dims=8; it takes a list of positive"),
    "no layer": (lambda: DenseNN(5, [0]), ArgumentError, r"hidden_dims=\[0\]; it takes a list of positive"),
    "no parameters": (lambda: AutoRegressiveNN(5, [8], []), ArgumentError, r"param_dims=\[\]; give the size"),
    "no input": (lambda: DenseNN(0, [8]), ArgumentError, "input_dim=0; it takes an integer of at least 1"),
    "a negative context": (
        lambda: ConditionalDenseNN(2, -1, [8]),
        ArgumentError,
        "context_dim=-1; it takes an integer of at least 0",
    ),
    "no permutation": (
        lambda: AutoRegressiveNN(3, [8], permutation=torch.tensor([1, 2, 3])),
        ArgumentError,
        r"permutation=<Tensor of shape \(3,\)>; it takes .* from 0 to 2 once",
    ),
    "a mask on its side": (
        lambda: MaskedLinear(3, 2, torch.ones(3, 2)),
        ShapeError,
        r"mask of shape \(3, 2\).*must be \(2, 3\)",
    ),
    "another input": (
        lambda: AutoRegressiveNN(3, [8])(torch.ones(5, 4)),
        ShapeError,
        r"input of shape \(5, 4\); its last dim must be input_dim=3",
    ),
    "another context": (
        lambda: ConditionalDenseNN(3, 2, [8])(torch.ones(5, 3), torch.ones(5, 3)),
        ShapeError,
        r"context of shape \(5, 3\) beside an input of shape \(5, 3\); the context must broadcast to \(5, 2\)",
    ),
    "more contexts than inputs": (
        lambda: ConditionalAutoRegressiveNN(3, 2, [8])(torch.ones(3), torch.ones(5, 2)),
        ShapeError,
        r"must broadcast to \(2,\)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
    make, error, message = MISTAKES[mistake]
    with pytest.raises(error, match=message):
        make()
