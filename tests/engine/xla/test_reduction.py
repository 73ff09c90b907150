"""Reductions, products of matrices, new tensors and strides, lowered, agree with eager torch."""

import functools

import pytest
import torch
from torch import inf, nan

from tests.engine.xla.harness import (
    accepted,
    assert_lowered,
    assert_samples_lowered,
    captured,
    lowerings_in,
    operators_of,
    samples_of,
)
from virgil.engine.xla.lowerings import creation, products, reduction, strided
from virgil.errors import OperatorError

pytestmark = [pytest.mark.every_engine, pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0:UserWarning")]

aten, prims = torch.ops.aten, torch.ops.prims

OF_SMOOTH = """
sum mean prod amax amin max/reduction_no_dim max/reduction_with_dim min/reduction_no_dim min/reduction_with_dim
cumsum cumprod logcumsumexp logsumexp softmax log_softmax std std/unbiased var var/unbiased std_mean var_mean
nansum nanmean aminmax trace cumulative_trapezoid
mm bmm mv dot addmm addmv baddbmm addr matmul einsum tensordot
as_strided as_strided_scatter nn.functional.pad/circular
"""
OF_OTHERS = """
any all argmax argmin count_nonzero
arange eye full full_like new_full ones ones_like new_ones zeros zeros_like new_zeros linspace
"""
SMOOTH, OTHERS = OF_SMOOTH.split(), OF_OTHERS.split()
NO_WHOLES = ("mean", "logcumsumexp", "softmax", "log_softmax", "std", "var", "nanmean")


@functools.cache
def of_table(name):
    """In float64 with derivatives, and of whole numbers."""
    floats = samples_of(name, torch.float64, 1, True)
    return floats if name.startswith(NO_WHOLES) else [*floats, *samples_of(name, torch.int64, 1, False)]


@pytest.mark.parametrize("name", [*SMOOTH, *OTHERS])
def test_operators_agree_with_torch(name):
    assert_samples_lowered(of_table(name))


rows = torch.tensor(
    [[1.0, -2.0, 0.5], [inf, 3.0, -1.0], [-inf, -inf, -inf], [nan, 1.0, 2.0], [inf, -inf, 0.0], [2.0, 2.0, 2.0]]
)
wholes = torch.tensor([[3, -1, 2], [3, 3, 0]])
CASES = [
    (rows,),
    (rows.double().T,),
    (torch.tensor(2.5, dtype=torch.float64),),
    (torch.zeros(0, 3),),
    (wholes,),
    (torch.tensor([[200, 100, 0]], dtype=torch.uint8),),
    (torch.tensor([[True, False], [True, True]]),),
    (torch.tensor(True),),
]


def over_dims(name):
    """Along some choices of dims, those of them that torch takes."""
    fn = getattr(torch, name)
    choices = ((0,), {}), ((-1,), {"keepdim": True}), (((0, 1),), {}), (((),), {}), ((), {})
    return [lambda x, dims=dims, keep=keep: fn(x, *dims, **keep) for dims, keep in choices]


def along(name):
    fn = getattr(torch, name)
    return [lambda x, dim=dim: fn(x, dim) for dim in (0, -1)]


def over_dtypes(name):
    fn, dtypes = getattr(torch, name), (torch.float32, torch.float64)
    return [lambda x, dims=dims, dtype=dtype: fn(x, *dims, dtype=dtype) for dtype in dtypes for dims in ((), (0,))]


REDUCED = "sum mean prod amax amin max min any all argmax argmin std var nansum count_nonzero"
ACCUMULATED = "cumsum cumprod logcumsumexp softmax log_softmax logsumexp"
LAWS = {
    **{name: over_dims(name) for name in REDUCED.split()},
    **{name: along(name) for name in ACCUMULATED.split()},
    **{f"{name} in a dtype": over_dtypes(name) for name in ("sum", "prod", "mean")},
    "whole sums": [lambda x: x.nan_to_num().clamp(-9, 9).sum(0, dtype=torch.int32)],
    "running in a dtype": [lambda x: (x.cumsum(0, dtype=torch.float64), x.cumprod(0, dtype=torch.float32))],
    "variance": [lambda x, c=correction: x.var(0, correction=c) for correction in (0, 2, 0.5, 5, 6, 8)],
}


@functools.cache
def edges_of(name):
    """One graph of all of these functions at all of the cases that torch takes."""
    taken = [(fn, case) for fn in LAWS[name] for case in accepted(fn, CASES)]
    assert taken
    return captured(lambda *xs: [fn(x) for (fn, _), x in zip(taken, xs, strict=True)], *(case for _, (case,) in taken))


@pytest.mark.parametrize("name", LAWS)
def test_edges_and_dtypes(name):
    assert_samples_lowered([edges_of(name)])


def test_mean_and_variance():
    """Apart, for torch's mean beside a variance is NaN where one of the numbers is infinite."""
    x = torch.randn(4, 3, dtype=torch.float64)
    assert_lowered(lambda x: [torch.var_mean(x, 0, correction=c) for c in (0, 1, 2.5, 4, 5)], x)
    assert_lowered(lambda x: (torch.var_mean(x), torch.std_mean(x, (0, 1), keepdim=True), torch.var_mean(x[0, 0])), x)


def flat(x):
    x = x.double().requires_grad_()
    return torch.autograd.grad(x.sgn().sum(), x)


NEW = {
    "filled": lambda x: (torch.full((2,), 3), torch.full((2,), 2.5), torch.full((), True), x.new_full((2,), -1)),
    "filled alike": lambda x: (torch.full_like(x, -1), torch.full_like(x, 2, dtype=torch.float64)),
    "of a dtype": lambda x: (torch.full((2,), 3, dtype=torch.float32), torch.scalar_tensor(-1, dtype=torch.uint8)),
    "steps": lambda x: (torch.arange(5), torch.arange(2, 9, 3), torch.arange(9, 2, -3), torch.arange(4, 4)),
    "parts of steps": lambda x: (torch.arange(0.5, 3.1, 0.1), torch.arange(0.0, 1.0, 0.1, dtype=torch.float64)),
    "steps of a dtype": lambda x: (torch.arange(5.0), torch.arange(5, dtype=torch.float64), torch.arange(1, 5.5)),
    "counted": lambda x: prims.iota(4, start=3, step=-2, dtype=torch.int64, device="cpu", requires_grad=False),
    "spaced": lambda x: (torch.linspace(-1, 2, 7), torch.linspace(0, 1, 1), torch.linspace(0, 5, 3, dtype=torch.int64)),
    "identity": lambda x: (torch.eye(3), torch.eye(2, 4, dtype=torch.float64), torch.eye(0)),
    "number": lambda x: torch.xlogy(x, 2.0),
    "no derivative": flat,
    "shapes": lambda x: (torch.empty(2, 3).fill_(1), torch.empty_like(x).fill_(1), x.new_empty(3).fill_(2)),
    "strides": lambda x: (x.new_empty_strided((2,), (1,)).fill_(1), torch.empty_strided((2, 3), (1, 2)).zero_()),
}


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("dtype", [torch.float64, torch.uint8])
def test_new_tensors(name, dtype):
    assert_lowered(NEW[name], torch.ones(2, dtype=dtype))


def test_what_is_multiplied_by_zero_is_left_out():
    """With ``beta=0`` NaN in what is added is ignored."""
    unknown, x = torch.full((2, 2), nan, dtype=torch.float64), torch.randn(2, 2, dtype=torch.float64)
    assert_lowered(lambda u, x: (torch.addmm(u, x, x, beta=0), torch.addmv(u[0], x, x[0], beta=0)), unknown, x)
    assert_lowered(lambda u, x: torch.addmm(u, x, x, beta=2, alpha=0.5), x.T, x)


@pytest.mark.parametrize("rows", [2**17, 3 * 2**16, 262_147], ids=["even", "odd parts", "no parts"])
def test_large_products_with_a_vector(rows):
    """They are cut into parts; of whole numbers, so that the order of sums makes no difference."""
    tall, wide = torch.arange(rows * 2.0).remainder(7).view(rows, 2), torch.arange(float(rows)).remainder(3)
    assert_lowered(lambda x, v: x @ v, tall, torch.tensor([2.0, -1.0]))
    assert_lowered(lambda x, v: v @ x, tall, wide)
    assert_lowered(lambda x, v: torch.addmv(v, x, v[:2]), tall, wide)
    assert_lowered(lambda x, v: x.T @ v, tall, wide)
    assert_lowered(lambda x, v: v @ x, tall.int(), wide.int())


@pytest.mark.parametrize("sizes", [(1, 1, 1), (8, 3, 8), (3, 8, 2), (2, 0, 3), (9, 2, 2), (2, 9, 2)], ids=str)
def test_batches_of_small_products(sizes):
    """Up to eight rows and columns the sum is written out."""
    rows, inner, columns = sizes
    left, right = torch.randn(5, rows, inner, dtype=torch.float64), torch.randn(5, inner, columns, dtype=torch.float64)
    assert_lowered(torch.bmm, left, right)
    assert_lowered(lambda x, y: torch.bmm(y.mT, x.mT), left, right)


def test_strides_that_reach_outside_are_refused():
    graph = captured(lambda x: x.as_strided((2, 2), (2, 1)), torch.arange(4.0))
    with pytest.raises(OperatorError, match="outside a tensor of 3 elements"):
        assert_samples_lowered([type(graph)(graph.graph, [torch.arange(3.0)], graph.expected)])


def test_every_lowering_is_reached():
    reached = set().union(*(each.operators for name in [*SMOOTH, *OTHERS] for each in of_table(name)))
    reached |= set().union(*(edges_of(name).operators for name in LAWS))
    reached |= set().union(*(operators_of(fn, torch.ones(2)) for fn in NEW.values()))
    assert lowerings_in(creation, products, reduction, strided) <= reached
