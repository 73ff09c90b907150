"""The statements ``param`` and ``module``."""

import copy

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import FitWarning, MissingParamError, ParamError
from virgil.infer import SVI, Trace_ELBO


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


def _of_network(net):
    def model():
        virgil.module("net", net)
        virgil.sample(
            "y", dist.Normal(net(torch.ones(1)).sum() + virgil.param("offset", torch.tensor(0.0)), 1.0), obs=ONE
        )

    return SVI(model, lambda: None, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())


ONE = torch.tensor(1.0)


@pytest.mark.parametrize("engine", ["eager", pytest.param("xla", marks=pytest.mark.long)])
def test_frozen_parameters_of_a_module_stay_as_they_are(engine):
    net = nn.Linear(1, 1)
    net.weight.requires_grad_(False)
    before = copy.deepcopy(net.state_dict())
    _of_network(net).run(3, engine=engine)
    assert torch.equal(net.weight, before["weight"])
    assert not torch.equal(net.bias, before["bias"])


def test_a_module_of_which_nothing_is_learnt_says_so_once():
    net = nn.Linear(1, 1).requires_grad_(False)
    before = copy.deepcopy(net.state_dict())
    with pytest.warns(FitWarning, match=r"module\('net'\) got a Linear all of whose parameters .* stay as") as caught:
        _of_network(net).run(3, engine="eager")
    assert [each.filename for each in caught] == [__file__]
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize("net", [nn.Linear(1, 1).requires_grad_(False).eval(), nn.Sequential()])
def test_a_module_that_is_meant_to_stay_is_left_alone(net):
    assert _of_network(net).step() > 0


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
