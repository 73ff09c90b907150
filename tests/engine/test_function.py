"""Pure functions of tensors on the engines."""

import pytest
import torch

from virgil.engine.function import compiled_function
from virgil.errors import CaptureError

engines = pytest.mark.parametrize("engine", ["xla", pytest.param("inductor", marks=pytest.mark.every_engine)])
SCALE = torch.tensor([1.0, 1 / 3], dtype=torch.float64)
LARGE = torch.tensor(2**40 + 1)


def function(tensors):
    first, second = tensors
    first.add_(1.0)  # what it takes are copies
    return [(first * SCALE).sum() + second, first.unsqueeze(0), second.bfloat16(), LARGE + 1]


def inputs():
    return [torch.tensor([0.5, -2.0], dtype=torch.float64), torch.tensor(3.0)]


@engines
def test_the_results_are_those_of_the_function(engine):
    compiled, given = compiled_function(engine, function, inputs()), inputs()
    for other in (given, [each + 1 for each in given], [torch.stack([given[0]] * 3, 1)[:, 0], given[1]]):
        expected = function([each.clone() for each in other])
        torch.testing.assert_close(compiled(other), expected, rtol=1e-15, atol=0)
    assert torch.equal(given[0], inputs()[0])


@engines
def test_a_function_is_mapped_over_rows_of_its_first_input(engine):
    compiled, (first, second) = compiled_function(engine, function, inputs()), inputs()
    rows = torch.stack([first, first + 1, first - 1])
    expected = [torch.stack(each) for each in zip(*(function([row.clone(), second]) for row in rows), strict=True)]
    torch.testing.assert_close(compiled.mapped(rows, [second]), expected, rtol=1e-15, atol=0)


@engines
def test_results_are_nobody_elses(engine):
    compiled = compiled_function(engine, function, inputs())
    first = compiled(inputs())
    before = [each.clone() for each in first]
    compiled([each + 1 for each in inputs()])
    for each in first:
        each.zero_()
    assert not any(torch.equal(each, old) for each, old in zip(first, before, strict=True))
    torch.testing.assert_close(compiled(inputs()), before, rtol=0, atol=0)


def test_a_function_that_draws_random_numbers_is_refused():
    def noisy(tensors):
        return [tensors[0] + torch.randn(2)]

    with pytest.raises(CaptureError, match=r"draws random numbers(?s:.*)tensors\[0\] \+ torch.randn"):
        compiled_function("xla", noisy, [torch.zeros(2)])


def test_a_function_that_reads_values_is_refused_with_the_line():
    def branching(tensors):
        return [tensors[0] if tensors[0].sum() > 0 else -tensors[0]]

    with pytest.raises(CaptureError, match=r"tensors\[0\].sum\(\) > 0"):
        compiled_function("xla", branching, [torch.zeros(2)])


def test_a_function_that_differs_from_run_to_run_is_refused():
    runs = []

    def counting(tensors):
        runs.append(1)
        return [tensors[0] * len(runs)]

    with pytest.raises(CaptureError, match="Two runs of the function performed different operations"):
        compiled_function("xla", counting, [torch.zeros(2)])
