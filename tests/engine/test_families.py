"""Every family can be part of a captured step: its density, its draws, and its support's bijection.

What was recorded at some parameters is compared with the family itself at others, so that nothing may be baked in.
"""

import jax
import pytest
import torch
from torch import distributions as td
from torch.utils import _pytree as pytree

import virgil
from tests.laws.families import DISCRETE, ROWS, Row
from virgil.distributions.core.validation import unchecked_by_torch
from virgil.distributions.transforms import biject_to
from virgil.engine.recording.graph import traced
from virgil.engine.xla.arrays import to_array
from virgil.engine.xla.interpret import interpret

# what torch states itself, without Virgil's switch
PLAIN = {
    "torch's Normal": Row(td.Normal, {"loc": torch.tensor([0.3, -1.2]), "scale": torch.tensor([0.7, 1.6])}),
    "torch's Gamma": Row(td.Gamma, {"concentration": torch.tensor([1.7, 4.2]), "rate": torch.tensor([0.6, 2.5])}),
}
SAME = {"StableWithLogProb"}  # Stable, by another name
FAMILIES = {**{name: row for name, row in ROWS.items() if name not in SAME}, **PLAIN}
DRAWN = [name for name in FAMILIES if name != "ImproperUniform"]
UNMAPPED = {"ProjectedNormal", "VonMises3D"}  # no bijection leads from the reals onto their supports
LATENT = [name for name in FAMILIES if name not in {*DISCRETE, *UNMAPPED}]
EXCEPTIONS = {"GeneralizedPareto": "whether the support has an upper end depends on the concentration's value"}


def _with_gradient(result, of):
    total = result.sum()
    if not total.requires_grad:
        return result.detach(), []
    gradients = torch.autograd.grad(total, of, allow_unused=True)
    return result.detach(), [each for each in gradients if each is not None]


def _leaves(tensors):
    return {name: each.detach().requires_grad_() for name, each in tensors.items()}


def assert_lowered(recording):
    """JAX gives the shapes and dtypes that torch gives; nothing is compiled."""

    def run(inputs, constants, key):
        return interpret(graph, inputs, constants, key)

    def kind(value):
        return tuple(value.shape), str(value.dtype).removeprefix("torch.")

    graph = recording.graph
    with jax.enable_x64(True):
        constants = {name: to_array(each) for name, each in recording.constants.items()}
        given = [jax.ShapeDtypeStruct(*kind(node.meta["val"])) for node in graph.find_nodes(op="placeholder")]
        got = jax.eval_shape(run, given, constants, jax.random.key(0))
    nodes = pytree.tree_leaves(graph.output_node().args)
    assert [kind(each) for each in got] == [kind(node.meta["val"]) for node in nodes]


def assert_captured(fn, args, others):
    """The graph of ``fn(*args)`` has lowerings, and gives at ``others`` what ``fn`` does, on the same noise."""

    def unchecked(*args):
        with virgil.settings.context(validate=False), unchecked_by_torch():
            return fn(*args)

    graph = traced(unchecked, *args)
    assert_lowered(graph)
    virgil.set_rng_seed(1)
    expected = unchecked(*others)
    virgil.set_rng_seed(1)
    torch.testing.assert_close(graph(*others), expected, rtol=1e-6, atol=1e-8, equal_nan=True)


def point(row, params):
    """A value of the support."""
    fn = row.make(**params)
    if row.values is not None:
        return row.values[-1].expand(fn.batch_shape + fn.event_shape)
    return fn.sample() if row.moments or row.normalised else torch.ones(fn.shape())


def pairs(row):
    """Parameters, and the same ones with the batch's entries exchanged."""
    return row.params, {name: each.flip(0) for name, each in row.params.items()}


@pytest.mark.parametrize("name", FAMILIES)
def test_log_density_and_its_gradient_are_captured(name):
    row = FAMILIES[name]
    first, second = pairs(row)

    def log_prob(params, value):
        leaves = _leaves(params)
        return _with_gradient(row.make(**leaves).log_prob(value), list(leaves.values()))

    assert_captured(log_prob, (first, point(row, first)), (second, point(row, second)))


@pytest.mark.parametrize("name", DRAWN)
def test_a_draw_and_its_pathwise_derivative_are_captured(name):
    row = FAMILIES[name]
    first, second = pairs(row)

    def draw(params):
        leaves = _leaves(params)
        fn = row.make(**leaves).expand((2, 2))
        return _with_gradient(fn.rsample() if fn.has_rsample else fn.sample(), list(leaves.values()))

    assert_captured(draw, (first,), (second,))


def _marked(name):
    marks = [pytest.mark.xfail(reason=EXCEPTIONS[name], raises=RuntimeError, strict=True)] if name in EXCEPTIONS else []
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [_marked(name) for name in LATENT])
def test_a_latent_value_in_unconstrained_space_is_captured(name):
    row = FAMILIES[name]
    first, second = pairs(row)

    def density(params, u):
        leaves = _leaves(params)
        u = u.detach().requires_grad_()
        fn = row.make(**leaves)
        transform = biject_to(fn.support)
        value = transform(u)
        total = fn.log_prob(value).sum() + transform.log_abs_det_jacobian(u, value).sum()
        return _with_gradient(total, [*leaves.values(), u])

    fn = row.build()
    shape = biject_to(fn.support).inverse_shape(fn.batch_shape + fn.event_shape)
    u = torch.linspace(-1.0, 1.0, shape.numel(), dtype=torch.double).reshape(shape)
    assert_captured(density, (first, u), (second, -u))
