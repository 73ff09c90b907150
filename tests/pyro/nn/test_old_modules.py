"""Modules as old programs use them, with what they read inside."""

from __future__ import annotations

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.nn import AutoRegressiveNN, ConditionalAutoRegressiveNN, PyroModule, PyroModuleList, PyroParam, PyroSample
from pyro.nn.auto_reg_nn import MaskedLinear, create_mask, sample_mask_indices
from pyro.nn.dense_nn import ConditionalDenseNN, DenseNN
from pyro.nn.module import _Context, _unconstrain, clear, pyro_method, to_pyro_module_
from torch import nn
from torch.distributions import constraints


class Level(PyroModule):
    def __init__(self):
        super().__init__()
        self.scale = PyroParam(torch.tensor(2.0), constraints.positive, event_dim=0)
        self.level = PyroSample(dist.Normal(0.0, 1.0))
        self.linear = PyroModule[nn.Linear](2, 1)

    @PyroSample
    def noise(self):
        return dist.Normal(self.level, self.scale)

    def forward(self):
        return self.level + self.noise


def test_declarations_are_read_by_attribute():
    module = Level()
    assert module._pyro_params == {"scale": (constraints.positive, 0)}
    assert module._pyro_samples.keys() == {"level", "noise"}
    assert isinstance(module._pyro_samples["level"], dist.Normal)
    assert PyroParam(torch.ones(1)).constraint is constraints.real


def test_members_are_walked_as_torch_walks_parameters():
    def samples_of(module):
        return module._pyro_samples.items() if isinstance(module, PyroModule) else ()

    module = Level()
    module.linear.weight = PyroSample(dist.Normal(0.0, 1.0).expand([1, 2]).to_event(2))
    names = {name for name, _ in module._named_members(samples_of, prefix="", recurse=True)}
    assert names == {"noise", "level", "linear.weight"}


def test_a_context_is_a_call():
    module = Level()
    assert not module._pyro_context.active
    with module._pyro_context as entered:
        assert entered is None
        assert module._pyro_context.active
        first = module.level
        assert module.level is first
        assert module._pyro_context.get("level") is first
        module._pyro_context.set("noise", torch.tensor(7.0))
        assert module.noise.item() == 7.0
    assert not module._pyro_context.active
    assert module._pyro_context.get("level") is None
    assert module.level is not first


@pytest.mark.parametrize("kind", [nn.Linear, nn.LSTM])
def test_a_network_that_is_made_a_program_by_hand(kind):
    network = kind(2, 3)
    weights = {name: value.detach().clone() for name, value in network.named_parameters()}
    network.__class__ = PyroModule[kind]
    network._pyro_name = ""
    network._pyro_context = _Context()
    network._pyro_params = {}
    network._pyro_samples = {}
    name = next(iter(weights))
    prior = dist.Normal(weights[name], 1e-6).to_event(2)
    setattr(network, name, PyroSample(prior))
    trace = pyro.poutine.trace(network).get_trace(torch.ones(5, 2))
    assert trace.stochastic_nodes == [name]
    assert set(trace.param_nodes) == weights.keys() - {name}
    assert network._pyro_samples == {name: prior}


def test_names_in_a_tree():
    inner, outer = Level(), PyroModule()
    assert outer._pyro_get_fullname("x") == "x"
    inner._pyro_set_supermodule("outer.inner", outer._pyro_context)
    assert inner._pyro_get_fullname("scale") == "outer.inner.scale"
    assert inner.linear._pyro_get_fullname("bias") == "outer.inner.linear.bias"
    with outer._pyro_context:
        assert inner._pyro_context.active


@pytest.mark.parametrize("value", [torch.tensor(2.0), lambda: torch.tensor(2.0)])
def test_unconstrain(value):
    leaf = _unconstrain(value, constraints.positive)
    assert isinstance(leaf, nn.Parameter)
    assert leaf.item() == pytest.approx(torch.tensor(2.0).log().item())


def test_old_keys_of_a_state_load():
    module = Level()
    state = module.state_dict()
    assert "scale_unconstrained" in state
    state["scale_unconstrained"] = torch.tensor(0.0)
    module.load_state_dict(state)
    assert module.scale.item() == 1.0
    assert dict(module.named_pyro_params())["scale"].item() == 1.0


def test_the_other_names():
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    to_pyro_module_(network)
    assert isinstance(network[0], PyroModule)
    assert isinstance(PyroModuleList([Level()])[0], Level)
    module = Level()
    clear(module)
    assert not module._pyro_params
    assert not list(module.parameters())

    class Called(Level):
        @pyro_method
        def twice(self):
            return self.level, self.level

    first, second = Called().twice()
    assert first is second


# -- networks --------------------------------------------------------------------------------------------------------


def test_degrees_are_in_equal_steps():
    assert sample_mask_indices(3, 7).tolist() == [1, 1, 2, 2, 2, 3, 3]
    assert sample_mask_indices(10, 3).tolist() == [1, 6, 10]
    torch.manual_seed(0)
    drawn = torch.stack([sample_mask_indices(10, 3, simple=False) for _ in range(400)])
    assert drawn[:, ::2].unique(dim=0).tolist() == [[1, 10]]
    assert set(drawn[:, 1].tolist()) == {5, 6}
    # fair coins: 400 of them are 5 standard errors of 0.025 from a mean of 5.5 with probability below 1e-6
    assert drawn[:, 1].mean().item() == pytest.approx(5.5, abs=0.125)


def test_masks_let_no_later_variable_in():
    permutation = torch.tensor([2, 0, 1])
    masks, skip = create_mask(3, 1, [8, 8], permutation, 2)
    through = masks[2] @ masks[1] @ masks[0]
    assert masks[0].shape == (8, 4)
    assert skip.shape == (6, 4)
    rank = {2: 0, 0: 1, 1: 2}
    for output in range(6):
        for entry in range(3):
            reached = through[output, 1 + entry] > 0
            assert reached == (rank[entry] < rank[output % 3])
        assert skip[output, 0] == 1


def test_networks_have_the_shapes_of_their_parameters():
    x, context = torch.randn(5, 3), torch.randn(5, 2)
    loc, scale = AutoRegressiveNN(3, [8], param_dims=[1, 1])(x)
    assert loc.shape == scale.shape == (5, 3)
    network = ConditionalAutoRegressiveNN(3, 2, [8], [2, 1], permutation=torch.tensor([1, 2, 0]))
    assert [each.shape for each in network(x, context)] == [(5, 2, 3), (5, 1, 3)]
    assert network.get_permutation().tolist() == [1, 2, 0]
    assert [each.shape for each in DenseNN(3, [4], [2, 1])(x)] == [(5, 2), (5, 1)]
    assert ConditionalDenseNN(3, 2, [4], [2])(x, context).shape == (5, 2)
    masked = MaskedLinear(3, 2, torch.zeros(2, 3))
    assert torch.equal(masked(x), masked.bias.expand(5, 2))
