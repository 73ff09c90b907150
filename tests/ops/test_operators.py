"""Properties of operators, with torch's private names and without."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from virgil.engine.recording.graph import traced
from virgil.errors import CaptureError
from virgil.ops import operators
from virgil.ops.operators import (
    OperatorMode,
    is_composite,
    is_taken_apart,
    memory_id,
    schema_of,
    why_unwatched,
    written,
)

aten = torch.ops.aten


def test_operators_can_be_watched():
    assert why_unwatched() is None


def test_a_mode_is_the_same_where_torch_does_not_ask_whether_its_compiler_passes_it_over(monkeypatch):
    monkeypatch.delattr(TorchDispatchMode, "_should_skip_dynamo")

    class Seen(OperatorMode):
        def __init__(self):
            super().__init__()
            self.names = []

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.names.append(str(func))
            return func(*args, **(kwargs or {}))

    with Seen() as seen:
        torch.ones(2) + 1
    assert seen.names == ["aten.ones.default", "aten.add.Tensor"]


def test_an_operator_changes_what_its_schema_says():
    x, y = torch.ones(2), torch.ones(2)
    assert written(aten.add.Tensor, (x, y), {}) == []
    (changed,) = written(aten.add_.Tensor, (x, y), {})
    assert changed is x
    (changed,) = written(aten.add.out, (x, y), {"out": y})
    assert changed is y


def test_without_a_schema_nothing_can_be_captured():
    with pytest.raises(CaptureError, match="PyTorch .* does not show what operators run.*Use engine='eager'"):
        schema_of(object())


def _network(x, weight):
    return torch.nn.functional.linear(x, weight).softmax(-1).matmul(weight)


@pytest.mark.parametrize("tells", [True, False])
def test_a_graph_computes_the_same_whether_torch_tells_what_is_composite_or_not(tells, monkeypatch):
    if not tells:
        monkeypatch.setattr(operators, "_would_be_decomposed", None)
    x, weight = torch.rand(3, 4, dtype=torch.float64), torch.rand(5, 4, dtype=torch.float64)
    with torch.inference_mode():  # where composite operators reach a mode
        torch.testing.assert_close(traced(_network, x, weight)(x, weight), _network(x, weight))


def test_composite_operators_are_torchs():
    assert is_composite(aten.matmul.default)
    assert not is_composite(aten.mm.default)
    assert is_taken_apart(aten.matmul.default, (torch.ones(2, 2), torch.ones(2, 2)), {})

    class Silent:
        namespace = "aten"

    assert not is_composite(Silent())


def test_memory_is_that_of_the_views():
    x = torch.ones(4)
    assert memory_id(x) == memory_id(x[1:]) == memory_id(x.view(2, 2))
    assert memory_id(x) != memory_id(x.clone())
    described = torch.empty(2, device="meta")
    assert memory_id(described) == memory_id(described.view(1, 2)) != memory_id(torch.empty(2, device="meta"))
