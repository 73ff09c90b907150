"""The statements ``param`` and ``module``."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import MissingParamError, ParamError


def _trace(program):
    return poutine.trace(program).get_trace()


# param


def test_param_is_made_once_and_lazily():
    made = []

    def initial():
        made.append(1)
        return torch.ones(2)

    first = virgil.param("p", initial, constraint=constraints.positive)
    assert torch.allclose(first, torch.ones(2))
    assert torch.equal(virgil.param("p", initial, constraint=constraints.positive), first)
    assert torch.equal(virgil.param("p"), first)
    assert made == [1]
    assert torch.allclose(first.unconstrained(), torch.zeros(2))
    assert first.unconstrained().is_leaf
    assert first.unconstrained().requires_grad


def test_param_from_a_number():
    assert virgil.param("p", 2).item() == 2.0
    assert virgil.param("q", 0.5, constraint=constraints.unit_interval).item() == pytest.approx(0.5)


def test_a_parameter_is_shared_by_the_store_in_use():
    inner = virgil.ParamStore()
    virgil.param("p", torch.tensor(1.0))
    with inner:
        assert virgil.param("p", torch.tensor(2.0)) == 2.0
    assert virgil.param("p") == 1.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: virgil.param("skale"), MissingParamError, "There is no parameter 'skale'.*Did you mean 'scale'\\?"),
        (lambda: virgil.param("scale", torch.ones(4)), ParamError, "scale.*shape"),
        (lambda: virgil.param("new", torch.tensor(-1.0), constraint=constraints.positive), ParamError, "new"),
    ],
)
def test_errors_of_parameters(call, error, message):
    virgil.param("scale", torch.ones(3))
    with pytest.raises(error, match=message):
        call()


# module


def test_module_shares_its_tensors_with_the_store():
    net = nn.Linear(2, 1)
    net.bias.requires_grad_(False)
    trace = _trace(lambda: virgil.module("net", net))
    assert trace.param_nodes == ["net$$$weight"]
    assert virgil.get_param_store().unconstrained("net$$$weight") is net.weight
    assert trace.nodes["_RETURN"]["value"] is net


def test_module_is_learnt():
    net = nn.Linear(1, 1)
    before = net.weight.detach().clone()

    def model(x, y):
        virgil.module("net", net)
        with virgil.plate("data", len(x)):
            virgil.sample("y", dist.Normal(net(x).squeeze(-1), 0.1), obs=y)

    x = torch.linspace(-1, 1, 20).unsqueeze(-1)
    svi = virgil.infer.SVI(model, lambda x, y: None, virgil.optim.Adam({"lr": 0.1}), virgil.infer.Trace_ELBO())
    svi.run(300, x, 3 * x.squeeze(-1) + 1)
    assert net.weight.item() == pytest.approx(3.0, abs=0.02)
    assert net.bias.item() == pytest.approx(1.0, abs=0.02)
    assert not torch.equal(net.weight, before)


def test_loaded_values_are_copied_into_a_module(tmp_path):
    file = tmp_path / "params.safetensors"
    old = nn.Linear(2, 3)
    virgil.module("net", old)
    virgil.get_param_store().save(file)
    virgil.clear_param_store()
    virgil.get_param_store().load(file)
    new = virgil.module("net", nn.Linear(2, 3))
    assert torch.equal(new.weight, old.weight)
    assert new.weight is not old.weight
