"""What reads, writes and orders by index, lowered, agrees with eager torch; an index outside gives NaN."""

import jax
import pytest
import torch
from torch import Tensor

from tests.engine.xla.harness import (
    assert_gradient_lowered,
    assert_lowered,
    assert_samples_lowered,
    lowerings_in,
    operators_of,
    samples_of,
)
from virgil.engine.recording.graph import traced
from virgil.engine.xla.interpret import interpret
from virgil.engine.xla.lowerings import indexing, scatter, sorting
from virgil.errors import OperatorError

pytestmark = [
    pytest.mark.every_engine,
    pytest.mark.filterwarnings(
        "ignore:index_reduce.. is in beta:UserWarning",
        "ignore:The reduce argument of torch.scatter with Tensor src:UserWarning",
    ),
]

aten = torch.ops.aten

FLOATS, INTEGERS, TRUTH = (torch.float64, 5, True), (torch.int64, 2, False), (torch.bool, 1, False)

OPERATORS = {
    "__getitem__": (FLOATS, INTEGERS, TRUTH),
    "bucketize": ((torch.float64, 4, False), INTEGERS),
    "cummax": (FLOATS, INTEGERS, TRUTH),
    "cummin": (FLOATS, INTEGERS, TRUTH),
    "diagonal_scatter": (FLOATS, INTEGERS, TRUTH),
    "gather": (FLOATS, INTEGERS, TRUTH),
    "index_add": (FLOATS, INTEGERS, TRUTH),
    "index_copy": (FLOATS, INTEGERS, TRUTH),
    "index_fill": (INTEGERS, TRUTH),  # its derivative finds the different indices, as many as there happen to be
    "index_put": (INTEGERS, TRUTH),  # the derivative at a mask reads at the mask
    "index_reduce/amax": (FLOATS, INTEGERS),
    "index_reduce/mean": (FLOATS, INTEGERS),
    "index_select": (FLOATS, INTEGERS, TRUTH),
    "kthvalue": (FLOATS,),  # of equal numbers any may be named
    "masked_fill": (FLOATS, INTEGERS, TRUTH),
    "masked_scatter": (FLOATS, INTEGERS, TRUTH),
    "median": (FLOATS, INTEGERS),
    "mode": (FLOATS, INTEGERS, TRUTH),
    "nanmedian": (FLOATS, INTEGERS),
    "nn.functional.embedding": (FLOATS,),
    "nonzero_static": ((torch.float64, 2, False), TRUTH),
    "put": (INTEGERS,),  # the derivative needs the values of the indices while it is traced
    "scatter": (FLOATS, INTEGERS, TRUTH),
    "scatter_add": (FLOATS, INTEGERS, TRUTH),
    "scatter_reduce/amax": (FLOATS, INTEGERS, TRUTH),
    "scatter_reduce/amin": (FLOATS, INTEGERS, TRUTH),
    "scatter_reduce/mean": (FLOATS, INTEGERS),
    "scatter_reduce/prod": (FLOATS, INTEGERS, TRUTH),
    "scatter_reduce/sum": (FLOATS, INTEGERS, TRUTH),
    "searchsorted": ((torch.float64, 4, False), INTEGERS),
    "select_scatter": (FLOATS, INTEGERS, TRUTH),
    "slice_scatter": (FLOATS, INTEGERS, TRUTH),
    "sort": (FLOATS, INTEGERS),  # of equal truth values any may come first
    "take_along_dim": (FLOATS, INTEGERS),
    "topk": (FLOATS,),  # as for ``kthvalue``
}


def samples(name):
    return [sample for each in OPERATORS[name] for sample in samples_of(name, *each)]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_torch(name):
    assert_samples_lowered(samples(name))


def numbers(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()


def written(x: Tensor, mask: Tensor, values: Tensor) -> Tensor:
    x = x.clone()
    x[mask] = values
    return x


rows = torch.tensor([2, 0, -1])
mask = torch.tensor([[True, False, True, True], [False, False, True, False], [False, True, False, False]])
unknown = torch.tensor([[1.0, torch.nan, 3.0, torch.nan], [torch.nan] * 4, [2.0, 2.0, -0.0, 0.0]]).double()
column = mask[:, 0]

OTHERS = {
    "a scalar at a mask": (lambda x, m: written(x, m, torch.tensor(2.0)), numbers(3, 4), mask),
    "one row at a mask": (lambda x, m, v: written(x, m, v.detach()), numbers(3, 4), column, numbers(1, 4)),
    "values at a mask": (lambda x, m, v: aten.index_put(x, [m], v.detach()), numbers(3, 4), mask, numbers(5)),
    "values added at a mask": (
        lambda x, m, v: aten.index_put(x, [m], v.detach(), True),
        numbers(3, 4, 2),
        mask,
        numbers(5, 2),
    ),
    "values at a mask of the last axes": (
        lambda x, m, v: aten.index_put(x, [None, m], v.detach()),
        numbers(2, 3, 4),
        mask,
        numbers(2, 5),
    ),
    "the same added at a mask of the last axes": (
        lambda x, m, v: aten.index_put(x, [None, m], v.detach(), True),
        numbers(2, 3, 4),
        mask,
        numbers(2, 1),
    ),
    "indices apart": (lambda x, i: x[i, :, i.flip(0)], numbers(3, 2, 3), rows),
    "additions at one place": (lambda x, i, v: x.index_put((i,), v, accumulate=True), numbers(3), rows, numbers(3)),
    "a value multiplied in": (lambda x, i: x.scatter(0, i.abs(), 2.5, reduce="multiply"), numbers(3), rows),
    "embedding with a row fixed and rows shortened": (
        lambda w, i: torch.nn.functional.embedding(i.abs(), w.clone(), padding_idx=0, max_norm=0.5, norm_type=1.5),
        numbers(4, 3),
        rows,
    ),
    "repeats": (lambda x, i: x.repeat_interleave(i.abs(), output_size=3), numbers(3), rows),
    "a number among boundaries": (lambda x: torch.bucketize(0.25, x.detach().sort().values), numbers(7)),
    "a number in a sequence": (
        lambda x: torch.searchsorted(x.detach(), 0.25, side="right", sorter=x.detach().argsort()),
        numbers(7),
    ),
}

WITHOUT_DERIVATIVE = "a value multiplied in", "a number among boundaries", "a number in a sequence"


@pytest.mark.parametrize("name", [name for name in OPERATORS if name.startswith(("scatter", "index_put", "index_add"))])
def test_sums_at_many_places_agree_with_torch(name, monkeypatch):
    """The samples are small, and small sums compare every place with every index: here none is small."""
    monkeypatch.setattr(scatter, "_DENSE", 0)
    test_operators_agree_with_torch(name)


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_table_of_torch_has_not(name):
    assert_lowered(*OTHERS[name])
    if name not in WITHOUT_DERIVATIVE:
        assert_gradient_lowered(*OTHERS[name])


ORDERS = {
    "sort": lambda x: torch.sort(x, stable=True),
    "descending": lambda x: torch.sort(x, dim=0, descending=True, stable=True),
    "largest": lambda x: torch.topk(x, 3).values,
    "smallest": lambda x: torch.topk(x, 3, largest=False).values,
    "median": lambda x: (x.median(1), x.median(0).values),
    "nanmedian": lambda x: (x.nanmedian(), x.nanmedian(1).values),
    "running": lambda x: (x.cummax(0), x.cummin(1)),
    "places": lambda x: torch.searchsorted(torch.tensor([-0.0, 1.0, 2.0]).double(), x.reshape(-1)),
}


@pytest.mark.parametrize("name", ORDERS)
def test_order_of_nan_zeros_and_ties(name):
    assert_lowered(ORDERS[name], unknown)


OUTSIDE = {
    "read": lambda x, i: x[i],
    "gather": lambda x, i: x.gather(0, i),
    "select": lambda x, i: x.index_select(0, i),
    "embedding": lambda x, i: torch.nn.functional.embedding(i, x[:, None]),
    "write": lambda x, i: x.index_put((i,), x),
    "scatter": lambda x, i: x.scatter(0, i, x),
    "add": lambda x, i: x.index_add(0, i, x),
    "reduce": lambda x, i: x.scatter_reduce(0, i, x, "prod"),
}


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("index", [3, -1, -4])
def test_an_index_outside_gives_nan(name, index):
    """Torch refuses it; a graph cannot, and a run stops at NaN."""
    if index == -1 and name in ("read", "write", "add"):
        pytest.skip("counts from the end")
    graph = traced(OUTSIDE[name], torch.zeros(3), torch.tensor([0, 1, 2])).graph
    with jax.enable_x64(True):
        (result,) = interpret(graph, [jax.numpy.zeros(3), jax.numpy.array([0, index, 2])], {}, None)
    assert bool(jax.numpy.isnan(result).any())


@pytest.mark.parametrize(
    ("fn", "advice"),
    [
        (lambda x, m: x[m], "torch.where"),
        (lambda x, m: x.repeat_interleave(m.long()), "output_size"),
        (lambda x, m: x.expand(2, 3).index_put((torch.tensor(0), m), torch.tensor(1.0)), "torch.where"),
    ],
)
def test_sizes_that_depend_on_values_are_refused(fn, advice):
    with pytest.raises(OperatorError, match=advice):
        assert_lowered(fn, torch.ones(3), column)


def test_a_mask_of_another_count_gives_nan():
    """The graph was recorded for as many values as the mask then chose."""
    values = torch.ones(2)
    graph = traced(lambda x, m: x.index_put((m,), values), torch.zeros(3), torch.tensor([True, False, True])).graph
    constants = {node.target: jax.numpy.ones(2) for node in graph.nodes if node.op == "get_attr"}
    with jax.enable_x64(True):
        (result,) = interpret(graph, [jax.numpy.zeros(3), jax.numpy.ones(3, bool)], constants, None)
    assert bool(jax.numpy.isnan(result).all())


def test_every_lowering_is_reached():
    reached = set().union(*(each.operators for name in OPERATORS for each in samples(name)))
    reached |= set().union(*(operators_of(*each) for each in OTHERS.values()))
    reached |= operators_of(ORDERS["sort"], unknown)
    assert lowerings_in(indexing, scatter, sorting) <= reached
