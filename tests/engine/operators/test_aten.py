"""An operator that a version of torch lacks is left out of every table, and everything else still works."""

import subprocess
import sys

import pytest
import torch

from tests.house.source import ROOT
from virgil.engine.operators.aten import Absent, aten, present, prims
from virgil.errors import OperatorError


def test_a_name_that_torch_has_is_its_operator():
    assert aten.add.Tensor is torch.ops.aten.add.Tensor
    assert prims.iota.default is torch.ops.prims.iota.default
    assert aten.add.overloads() == {name: getattr(torch.ops.aten.add, name) for name in torch.ops.aten.add.overloads()}
    assert torch.equal(aten.add(torch.ones(2), 1), torch.full((2,), 2.0))


@pytest.mark.parametrize("operator", ["no_such_operator.default", "add.no_such_overload"])
def test_a_name_that_it_lacks_is_absent_and_refuses_to_be_called(operator):
    name, overload = operator.split(".")
    found = getattr(getattr(aten, name), overload)
    assert isinstance(found, Absent)
    assert found is getattr(getattr(aten, name), overload)
    with pytest.raises(OperatorError, match=rf"needs the operator aten\.{operator}, which PyTorch .* does not have"):
        found(torch.ones(2))


def test_an_operator_without_any_overload_is_absent():
    assert aten.no_such_operator.overloads() == {}
    with pytest.raises(OperatorError, match=r"the operator aten\.no_such_operator, which"):
        aten.no_such_operator(torch.ones(2))


def test_a_table_holds_what_is_present():
    no_such = aten.no_such_operator.default
    table = {aten.add.Tensor: aten.sub.Tensor, no_such: aten.sub.Tensor, aten.mul.Tensor: no_such}
    assert present(table) == {aten.add.Tensor: aten.sub.Tensor}


@pytest.mark.long
@pytest.mark.parametrize("what", ["tables", "runs"])
def test_what_torch_lacks_is_left_out_and_all_else_works(what):
    command = [sys.executable, "-m", "tests.engine.lacking", what]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
