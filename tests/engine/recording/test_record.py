"""A recorded function is the function, at other values too; its graph writes nothing; what cannot vary may be read."""

import pytest
import torch

from virgil.engine.operators.writes import without_writes
from virgil.engine.recording.graph import functional, recorded, traced
from virgil.errors import CaptureError

HELD = torch.tensor([3.0, -1.0])


def _writes(graph):
    return [each for each in graph.nodes if each.op == "call_function" and getattr(each.target, "_schema", None)
            and each.target._schema.is_mutable]  # fmt: skip


def accumulates(x, y):
    total = x.clone()
    total.add_(y).mul_(2)
    total += y
    return total


def changes_dtype(x, y):
    total = x.sum().clone()
    return total.add_(y.double().sum())


def reads_before(x, y):
    total = x * 1
    before = total + y
    total.mul_(before)
    return before, total


def adds_in_lists(x, y):
    tensors = [x.clone(), y.clone()]
    torch._foreach_add_(tensors, [y, x])
    torch._foreach_mul_(tensors, 2.0)
    torch._foreach_maximum_(tensors, [HELD, HELD])
    return tensors


def differentiates(x, y):
    leaf = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad((leaf.exp() * y).sum(), leaf)
    return leaf.detach().clone().sub_(gradient, alpha=0.1)


def fills(x, y):
    made = torch.empty_like(x).fill_(2.0)
    other = torch.zeros(2).copy_(y)
    return made, other.zero_() + x


RENAMED = [accumulates, changes_dtype, reads_before, adds_in_lists, differentiates, fills]


def writes_a_slice(x, y):
    made = x.clone()
    made[0] = y[1]
    return made


def writes_through_an_alias(x, y):
    made = x * 2
    made.detach().clamp_(min=1.0)
    return made + y


def writes_into_a_view_of_a_view(x, y):
    made = torch.stack([x, y])
    row = made[0]
    row[1:].add_(y[:1])
    return made, row.sum()


def writes_what_a_view_shows(x, y):
    made = x.clone()
    view = made.view(1, 2)
    made.add_(y)
    return view


def writes_through_halves(x, y):
    made = torch.cat([x, y])
    first, second = made.chunk(2)
    first.add_(second)
    return made


def writes_into_other_strides(x, y):
    made = (x[:, None] * y).t()
    made.add_((x[:, None] + y).contiguous())
    return made.reshape(-1)


FUNCTIONALIZED = [writes_a_slice, writes_through_an_alias, writes_into_a_view_of_a_view, writes_what_a_view_shows,
                  writes_through_halves]  # fmt: skip

ARGS = torch.tensor([0.5, -2.0]), torch.tensor([1.5, 0.25])
OTHERS = torch.tensor([-1.0, 3.0]), torch.tensor([0.125, -4.0])


@pytest.mark.parametrize("fn", [*RENAMED, *FUNCTIONALIZED, writes_into_other_strides])
def test_the_graph_is_the_function_at_other_values(fn):
    graph = traced(fn, *ARGS)
    assert not _writes(graph.graph)
    given = [each.clone() for each in OTHERS]
    torch.testing.assert_close(graph(*given), fn(*OTHERS), rtol=1e-6, atol=0)
    assert all(map(torch.equal, given, OTHERS))


@pytest.mark.parametrize("fn", RENAMED)
def test_writes_that_nothing_else_sees_are_renamed(fn):
    assert without_writes(recorded(fn, *ARGS).graph) is not None


@pytest.mark.parametrize("fn", FUNCTIONALIZED)
def test_writes_that_something_else_sees_are_not(fn):
    assert without_writes(recorded(fn, *ARGS).graph) is None


@pytest.mark.parametrize("fn", [*RENAMED, writes_into_other_strides])
def test_both_ways_to_do_without_writes_agree(fn, monkeypatch):
    renamed = functional(recorded(fn, *ARGS), *ARGS)
    monkeypatch.setattr("virgil.engine.recording.graph.renamed", lambda *given: None)
    functionalized = functional(recorded(fn, *ARGS), *ARGS)
    torch.testing.assert_close(renamed(*OTHERS), functionalized(*OTHERS), rtol=0, atol=0)


FIXED = {
    "a sum of zeros": lambda x: x * torch.zeros(3).sum().item(),
    "a range": lambda x: x + [each.item() for each in torch.arange(3)][2],
    "a list": lambda x: x + sum((torch.tensor([1.0, 2.0]) * 2).tolist()),
    "a tensor from outside": lambda x: x * HELD.max().item(),
    "an array": lambda x: x + float((torch.ones(2) + HELD).numpy()[0]),
    "a truth value": lambda x: x if torch.equal(torch.ones(2), torch.ones(2)) else -x,
    "what is written into it": lambda x: x * torch.zeros(2).add_(HELD).sum().item(),
    "a shape": lambda x: x + x.numel(),
}


@pytest.mark.parametrize("name", FIXED)
def test_values_that_cannot_vary_may_be_read(name):
    graph = traced(FIXED[name], ARGS[0])
    torch.testing.assert_close(graph(OTHERS[0]), FIXED[name](OTHERS[0]), rtol=0, atol=0)


def _written_through_a_view(x):
    made = torch.zeros(2)
    made[:1].add_(x[0])
    return x * made.sum().item()


def _written_before_it_is_used(x):
    made = torch.zeros(2)
    made.copy_(x)
    later = made + 1
    return x * later.sum().item()


VARYING = {
    "an argument": lambda x: x * x.sum().item(),
    "noise": lambda x: x * torch.randn(()).item(),
    "what was written through a view": _written_through_a_view,
    "what was written": _written_before_it_is_used,
    "a comparison": lambda x: x if torch.equal(x, torch.ones(2)) else -x,
    "a branch": lambda x: x if x.sum() > 0 else -x,
    "a list": lambda x: x * x.tolist()[0],
    "an array": lambda x: x * float(x.numpy()[0]),
    "a derivative": lambda x: x * torch.func.grad(lambda y: y.square().sum())(x).sum().item(),
}  # fmt: skip


@pytest.mark.parametrize("name", VARYING)
def test_values_that_vary_may_not(name):
    with pytest.raises(CaptureError, match="captured step cannot follow") as caught:
        traced(VARYING[name], ARGS[0])
    assert "test_record.py" in str(caught.value)


def test_maps_over_a_batch_and_derivatives_of_derivatives_are_recorded():
    def fn(x, y):
        curvature = torch.func.jacrev(torch.func.grad(lambda z: (z.sin() * y).sum()))(x)
        return torch.vmap(lambda row: row @ curvature)(torch.stack([x, y]))

    torch.testing.assert_close(traced(fn, *ARGS)(*OTHERS), fn(*OTHERS))


def test_a_node_knows_shape_dtype_device_and_line():
    graph = recorded(lambda x, y: (x.double()[:, None] * y).t(), *ARGS).graph
    last = next(iter(reversed(graph.find_nodes(op="call_function", target=torch.ops.aten.t.default))))
    value = last.meta["val"]
    assert (value.shape, value.dtype, value.stride()) == ((2, 2), torch.float64, (1, 2))
    assert last.meta["device"] == torch.device("cpu")
    assert "test_record.py" in last.meta["stack_trace"]
