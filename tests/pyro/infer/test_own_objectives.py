"""The small functions of old objectives."""

import math
from dataclasses import dataclass

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import util
from pyro.infer.util import MultiFrameTensor

from virgil.errors import ArgumentError


def in_plates():
    with pyro.plate("rows", 2, dim=-2):
        pyro.sample("a", dist.Normal(0.0, 1.0))
        with pyro.plate("columns", 3, dim=-1):
            pyro.sample("b", dist.Normal(0.0, 1.0))
    for i in pyro.plate("rounds", 2):
        pyro.sample(f"c{i}", dist.Normal(0.0, 1.0))
    pyro.sample("d", dist.Bernoulli(0.5))


@pytest.fixture
def trace():
    return poutine.trace(in_plates).get_trace()


def test_numbers_that_may_be_tensors():
    assert util.torch_item(torch.tensor(2.0)) == util.torch_item(2.0) == 2.0
    assert util.torch_exp(torch.tensor(0.5)).item() == pytest.approx(util.torch_exp(0.5))
    assert util.torch_exp(0.5) == math.exp(0.5)
    assert util.torch_sum(torch.ones(2, 3), (-3, -1)).tolist() == [3.0, 3.0]
    assert util.torch_sum(torch.ones(2, 3), ()).shape == (2, 3)


def test_derivatives():
    leaf = torch.ones(2, requires_grad=True)
    util.torch_backward(3.0)
    util.torch_backward(torch.tensor(3.0))
    util.torch_backward((2 * leaf).sum())
    assert leaf.grad.tolist() == [2.0, 2.0]
    util.zero_grads([leaf, torch.ones(1)])
    assert leaf.grad.tolist() == [0.0, 0.0]


def test_plates_of_sites(trace):
    names = {name: [frame.name for frame in frames] for name, frames in util.get_plate_stacks(trace).items()}
    assert names == {"a": ["rows"], "b": ["rows", "columns"], "c0": [], "c1": [], "d": []}
    a, b, d = (trace.nodes[name] for name in "abd")
    assert util.get_dependent_plate_dims([a, b]) == [-1]
    assert util.get_dependent_plate_dims([b, d]) == [-2, -1]
    assert util.get_dependent_plate_dims([b]) == []


def test_log_probabilities_by_slot_of_a_plate(trace):
    by_row = util.plate_log_prob_sum(trace, "rows")
    a, b = trace.nodes["a"]["log_prob"], trace.nodes["b"]["log_prob"]
    assert torch.allclose(by_row, a.sum(-1) + b.sum(-1))
    assert torch.allclose(util.plate_log_prob_sum(trace, "columns"), b.sum(0))
    with pytest.raises(ArgumentError, match=r"plate_symbol='row', but no statement.*Did you mean 'rows'"):
        util.plate_log_prob_sum(trace, "row")


def test_sums_over_the_plates_that_are_not_shared(trace):
    rows, both = (trace.nodes[name]["cond_indep_stack"] for name in "ab")
    costs = MultiFrameTensor((both, torch.ones(2, 3)), (rows, torch.ones(2, 1)))
    assert costs.sum_to(()).item() == 8.0
    assert costs.sum_to(rows).tolist() == [[4.0], [4.0]]
    assert costs.sum_to(both).tolist() == [[2.0] * 3] * 2
    costs.add((both, torch.ones(2, 3)))
    assert costs.sum_to(()).item() == 14.0
    assert MultiFrameTensor().sum_to(()) == 0.0


def test_a_guide_without_pathwise_derivatives_is_refused(trace):
    util.check_fully_reparametrized(trace.nodes["a"])
    with pytest.raises(NotImplementedError, match=r"Site 'd' of the guide draws from Bernoulli"):
        util.check_fully_reparametrized(trace.nodes["d"])


def test_checks_on_and_off():
    assert util.is_validation_enabled()
    with util.validation_enabled(False):
        assert not util.is_validation_enabled()
    util.enable_validation(False)
    assert not pyro.infer.is_validation_enabled()
    pyro.infer.enable_validation(True)
    assert util.is_validation_enabled()


def test_a_dataclass_of_tensors_is_cloned():
    @dataclass
    class Result(util.CloneMixin):
        value: torch.Tensor

    result = Result(torch.ones(2))
    clone = result.clone()
    result.value.zero_()
    assert clone.value.tolist() == [1.0, 1.0]
