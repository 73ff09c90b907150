"""Einsum over plates against the sum written out, and packed tensors against plain ones."""

from collections import OrderedDict

import pytest
import torch
from pyro.ops import packed
from pyro.ops.contract import contract_tensor_tree, contract_to_tensor, einsum, naive_ubersum, ubersum
from pyro.ops.einsum import contract, contract_expression
from pyro.ops.einsum.adjoint import require_backward
from pyro.ops.rings import LinearRing, LogRing, MapRing, MarginalRing, SampleRing

from virgil.errors import ArgumentError

LOG = "pyro.ops.einsum.torch_log"
SIZES = {"a": 2, "b": 3, "c": 2, "d": 2, "i": 2, "j": 3}
EQUATIONS = [
    ("ab,bc->a,b,c,,ac", ""),
    ("ab,ai,bi->b,i,bi,a,ab,", "i"),
    ("ai->i,ai,", "i"),
    ("i,->i,", "i"),
    ("a,abi,bcij->a,,bi,bcij,cij,ij,abi,ia", "ij"),
    ("a,abi,adj->a,,bi,dj,ij,adj", "ij"),
    ("bij,bi,di->bi,bdi,", "ij"),
]


def operands_of(equation):
    torch.manual_seed(0)
    shapes = [[SIZES[dim] for dim in dims] for dims in equation.split("->")[0].split(",")]
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


def with_dims(tensor, dims):
    return packed.named(tensor.clone(), dims)


@pytest.mark.parametrize("backend", ["torch", LOG])
@pytest.mark.parametrize(("equation", "plates"), EQUATIONS)
def test_outputs_are_those_of_the_sum_written_out(equation, plates, backend):
    operands = operands_of(equation)
    found = einsum(equation, *operands, plates=plates, backend=backend)
    expected = naive_ubersum(equation, *operands, plates=plates, backend=backend)
    assert len(found) == len(equation.split("->")[1].split(","))
    torch.testing.assert_close(found, expected)


def test_the_sum_written_out_is_torchs():
    x, y = operands_of("ab,ai->")
    found = naive_ubersum("ab,ai->b,,ib", x, y, plates="i", backend="torch")
    by_hand = torch.einsum("ab,a,a->b", x, y[:, 0], y[:, 1])
    torch.testing.assert_close(found, (by_hand, by_hand.sum(), by_hand.expand(2, 3)))


def test_each_slot_has_a_variable_of_its_own():
    x, y = operands_of("ai,ai->")
    joint = torch.einsum("a,b,a,b->ab", x[:, 0], x[:, 1], y[:, 0], y[:, 1])
    expected = torch.stack([joint.sum(1), joint.sum(0)], -1)
    torch.testing.assert_close(einsum("ai,ai->ai", x, y, plates="i")[0], expected)


def test_ubersum_takes_logarithms_and_calls_plates_batch_dims():
    x, y = operands_of("ab,ai->")
    found = ubersum("ab,ai->b", x, y, batch_dims="i")
    torch.testing.assert_close(found, einsum("ab,ai->b", x, y, plates="i", backend=LOG, modulo_total=True, cache={}))


def test_results_are_differentiable():
    x, y = (each.requires_grad_() for each in operands_of("ab,ai->"))
    assert torch.autograd.gradcheck(lambda x, y: einsum("ab,ai->b,ai", x, y, plates="i"), (x, y))


@pytest.mark.parametrize(
    ("equation", "plates", "error", "words"),
    [
        ("ai,bj,abij->", "ij", NotImplementedError, "Make the plates a tree"),
        ("ai->a", "i", ValueError, "needs its plates"),
        ("ab,ba", "", ArgumentError, "inputs, '->', and outputs"),
        ("ab->d", "", ArgumentError, r"no input has \['d'\]"),
        ("aa->a", "", ArgumentError, "for the dims 'aa'"),
    ],
)
def test_what_is_refused(equation, plates, error, words):
    with pytest.raises(error, match=words):
        einsum(equation, *operands_of(equation), plates=plates)


def test_sizes_and_backends_that_are_refused():
    with pytest.raises(ArgumentError, match="dim 'b' in the sizes 3 and 2"):
        einsum("ab,b->", torch.ones(2, 3), torch.ones(2))
    with pytest.raises(ArgumentError, match="backend='numpy'"):
        einsum("ab->", torch.ones(2, 3), backend="numpy")
    with pytest.raises(ArgumentError, match="1 operands"):
        einsum("ab,b->", torch.ones(2, 3))


def marked(equation):
    operands = operands_of(equation)
    for operand in operands:
        require_backward(operand)
    return operands


def test_marginals_are_totals_for_each_value():
    equation = "ab,ai,bi->"
    operands = marked(equation)
    (total,) = einsum(equation, *operands, plates="i", backend="pyro.ops.einsum.torch_marginal")
    total._pyro_backward()
    expected = naive_ubersum("ab,ai,bi->,ab,ai,bi", *operands, plates="i")
    torch.testing.assert_close(total, expected[0])
    for operand, marginal in zip(operands, expected[1:], strict=True):
        torch.testing.assert_close(operand._pyro_backward_result, marginal)


def test_the_most_probable_values_attain_the_maximum():
    equation = "ab,bci->"
    x, y = marked(equation)
    (best,) = einsum(equation, x, y, plates="i", backend="pyro.ops.einsum.torch_map")
    best._pyro_backward()
    (a, b), (b_of_y, c) = x._pyro_backward_result, y._pyro_backward_result
    assert (b_of_y == b).all()
    assert y._pyro_backward_result._pyro_dims == " i"
    assert y._pyro_backward_result._pyro_sample_dims == "bc"
    joint = x[:, :, None, None] + y[:, :, None, 0] + y[:, None, :, 1]
    torch.testing.assert_close(best, joint.max())
    torch.testing.assert_close(x[a, b] + y[b, c, torch.arange(2)].sum(), best)


def test_draws_have_the_posterior():
    """Counts of 2000 draws, within six standard deviations."""
    torch.manual_seed(0)
    x = torch.randn(2, 3)
    require_backward(x)
    counts = torch.zeros(2, 3)
    for _ in range(2000):
        (total,) = einsum("ab->", x, backend="pyro.ops.einsum.torch_sample")
        total._pyro_backward()
        counts[tuple(x._pyro_backward_result)] += 1
    probs = x.flatten().softmax(0).reshape(2, 3)
    assert ((counts - 2000 * probs).abs() < 6 * (2000 * probs * (1 - probs)).sqrt()).all()


@pytest.mark.parametrize("name", ["log", "map", "marginal", "sample"])
def test_backends_serve_opt_einsum(name):
    x, y, z = torch.randn(2, 3), torch.randn(3, 4), torch.randn(4, 2)
    reduce = torch.amax if name == "map" else torch.logsumexp
    expected = reduce(x[:, :, None, None] + y[:, :, None] + z, (1, 2))
    found = contract("ab,bc,cd->ad", x, y, z, backend=f"pyro.ops.einsum.torch_{name}")
    torch.testing.assert_close(found, expected)
    expression = contract_expression("ab,bc->ac", (2, 3), (3, 4))
    torch.testing.assert_close(expression(x, y, backend="torch"), x @ y)


def test_a_tree_is_contracted_as_far_as_dims_need():
    x, y, z = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)
    plate, tree = frozenset("i"), OrderedDict()
    tree[frozenset()], tree[plate] = [with_dims(x, "ab")], [with_dims(y, "ai"), with_dims(z, "ci")]
    parts = contract_tensor_tree(tree, set("abc"), ring=LogRing())
    torch.testing.assert_close(parts[plate], [z.logsumexp(0)])
    total = (x.logsumexp(1) + y.sum(1)).logsumexp(0)
    torch.testing.assert_close(parts[frozenset()], [total])
    whole = contract_to_tensor(tree, set("abc"))
    torch.testing.assert_close(whole, total + z.logsumexp(0).sum())
    kept = contract_to_tensor(tree, set("abc"), target_dims=set("a"))
    torch.testing.assert_close(kept.logsumexp(0), whole)


@pytest.mark.parametrize(("kind", "forward", "back"), [(LinearRing, torch.exp, torch.log), (LogRing, None, None)])
def test_rings(kind, forward, back):
    there, again = (forward, back) if forward else ((lambda t: t), (lambda t: t))
    ring, x, y = kind(dim_to_size={"i": 4}), torch.randn(2, 3), torch.randn(3, 4)
    xp, yp = with_dims(there(x), "ab"), with_dims(there(y), "bi")
    joint = ring.sumproduct([xp, yp], "b")
    expected = (x[:, :, None] + y).logsumexp(1)
    torch.testing.assert_close(again(packed.broadcast_all(joint, dims="ai")[0]), expected)
    torch.testing.assert_close(again(ring.product(yp, frozenset("i"))), y.sum(1))
    torch.testing.assert_close(again(ring.inv(xp)), -x)
    assert packed.dims_of(ring.broadcast(xp, frozenset("i"))) == "iab"
    assert ring.broadcast(yp, frozenset("i")) is yp
    whole, part = ring.global_local(yp, "b", frozenset("i"))
    torch.testing.assert_close(again(whole), y.logsumexp(0).sum())
    torch.testing.assert_close(again(packed.broadcast_all(part, dims="bi")[0]), y - y.logsumexp(0))


def test_reciprocals_of_nothing_are_finite():
    assert LinearRing().inv(with_dims(torch.zeros(2), "a")).isfinite().all()
    assert LogRing().inv(with_dims(torch.full((2,), -torch.inf), "a")).isfinite().all()
    assert all(issubclass(each, LogRing) for each in (MapRing, MarginalRing, SampleRing))


def test_packing_and_unpacking():
    x = torch.randn(2, 1, 3)
    p = packed.pack(x, {-1: "a", -3: "b"})
    assert (p._pyro_dims, tuple(p.shape)) == ("ba", (2, 3))
    assert torch.equal(packed.unpack(p, {"a": -1, "b": -3}), x)
    assert tuple(packed.unpack(p, {"a": -3, "b": -1}).shape) == (3, 1, 2)
    assert packed.pack(2.0, {}) == packed.unpack(2.0, {}) == 2.0
    with pytest.raises(ArgumentError, match=r"dims \[-3\] have none"):
        packed.pack(x, {-1: "a"})


def test_arithmetic_of_packed_tensors():
    x, y = with_dims(torch.randn(2, 3), "ab"), with_dims(torch.randn(4, 2), "ca")
    product = packed.mul(x, y)
    assert product._pyro_dims == "abc"
    assert torch.equal(product, torch.einsum("ab,ca->abc", x, y))
    assert torch.equal(packed.mul(x, 2.0), 2 * x)
    assert packed.mul(x, 2.0)._pyro_dims == packed.exp(x)._pyro_dims == packed.neg(x)._pyro_dims == "ab"
    assert (packed.mul(2, 3), packed.neg(1), packed.exp(0)) == (6, -1, 1.0)
    assert torch.equal(packed.exp(x).log().round(decimals=4), x.round(decimals=4))


def test_look_ups_along_a_named_dim():
    x, index = with_dims(torch.randn(3, 2), "ab"), with_dims(torch.tensor([[0, 2, 1, 1], [2, 2, 0, 1]]), "bc")
    found = packed.gather(x, index, "a")
    assert found._pyro_dims == "bc"
    assert torch.equal(found, x[index, torch.arange(2)[:, None]])
    assert packed.gather(x, index, "z") is x


def test_scales_and_masks():
    x, mask = with_dims(torch.randn(3, 2), "ab"), with_dims(torch.tensor([True, False]), "b")
    assert packed.scale_and_mask(x) is x
    assert torch.equal(packed.scale_and_mask(x, 2.0, mask), torch.where(mask, 2 * x, 0.0))
    assert not packed.scale_and_mask(x, 2.0, False).any()
    with pytest.raises(ArgumentError, match=r"a scale of shape \(3,\)"):
        packed.scale_and_mask(x, torch.ones(3))


def test_an_equation_in_the_names_of_the_operands():
    x, y = with_dims(torch.zeros(2, 3), "xy"), with_dims(torch.zeros(3), "y")
    assert packed.rename_equation("ab,b->a", x, y) == "xy,y->x"
