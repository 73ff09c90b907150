"""Flows as old programs state them."""

import importlib

import pyro
import pyro.distributions as dist
import pyro.distributions.transforms as T
import pytest
import torch
from pyro.distributions import conditional

FILES = [
    "affine_autoregressive",
    "affine_coupling",
    "block_autoregressive",
    "neural_autoregressive",
    "spline",
    "spline_autoregressive",
    "spline_coupling",
]


@pytest.mark.parametrize("name", FILES)
def test_a_factory_is_a_function_though_its_module_has_its_name(name):
    module = importlib.import_module(f"pyro.distributions.transforms.{name}")
    assert callable(getattr(T, name))
    assert getattr(module, name) is getattr(T, name)


def test_old_paths_have_what_stands_in_them():
    from pyro.distributions.torch_transform import ComposeTransformModule, TransformModule
    from pyro.distributions.transforms.block_autoregressive import MaskedBlockLinear, log_matrix_product
    from pyro.distributions.transforms.utils import clamp_preserve_gradients

    assert dist.TransformModule is TransformModule
    assert issubclass(T.Spline, TransformModule)
    assert issubclass(ComposeTransformModule, torch.nn.ModuleList)
    assert log_matrix_product(torch.zeros(2, 3), torch.zeros(3, 1)).shape == (2, 1)
    assert isinstance(T.block_autoregressive(2).layers[0], MaskedBlockLinear)
    assert clamp_preserve_gradients(torch.tensor(5.0), -1.0, 1.0) == 1
    for name in ("ConditionalTransform", "ConditionalTransformModule", "ConditionalTransformedDistribution"):
        assert getattr(conditional, name) is getattr(dist, name)
    assert conditional.ConstantConditionalTransform(T.ExpTransform()).condition(None) == T.ExpTransform()


def test_a_training_loop_with_a_spline_coupling():
    data = torch.randn(200, 2) @ torch.tensor([[1.0, 0.6], [0.0, 0.5]])
    transform = T.spline_coupling(2, count_bins=16)
    base = dist.Normal(torch.zeros(2), torch.ones(2))
    flow = dist.TransformedDistribution(base, [transform])
    optimiser = torch.optim.Adam(transform.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = -flow.log_prob(data).mean()
        loss.backward()
        optimiser.step()
        flow.clear_cache()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert flow.sample(torch.Size([10])).shape == (10, 2)


def test_a_conditional_spline_acts_on_each_entry():
    first = T.conditional_spline(1, context_dim=1)
    base = dist.Normal(torch.zeros(1), torch.ones(1))
    joint = conditional.ConditionalTransformedDistribution(base, [first])
    context = torch.linspace(-1, 1, 20)[:, None]
    modules = torch.nn.ModuleList([first])
    assert joint.condition(context).log_prob(context).shape == (20, 1)
    assert joint.condition(context).sample(torch.Size([20])).shape == (20, 1)
    joint.clear_cache()
    assert len(list(modules.parameters())) == 6


def test_a_flow_as_a_guide():
    transform = T.affine_autoregressive(2)

    def model():
        pyro.sample("z", dist.Normal(torch.ones(2), 0.5).to_event(1))

    def guide():
        pyro.module("flow", transform)
        pyro.sample("z", dist.TransformedDistribution(dist.Normal(torch.zeros(2), 1.0).to_event(1), [transform]))

    svi = pyro.infer.SVI(model, guide, pyro.optim.Adam({"lr": 0.01}), pyro.infer.Trace_ELBO())
    first = sum(svi.step() for _ in range(20))
    for _ in range(200):
        svi.step()
    assert sum(svi.step() for _ in range(20)) < first


def test_a_radial_map_has_the_method_of_planar_ones():
    from pyro.distributions.transforms.radial import ConditionedRadial

    u, w = torch.tensor([1.0, 2.0, -3.0]), torch.tensor([0.5, 1.0, 2.0])
    moved = ConditionedRadial((torch.zeros(3), torch.zeros(1), torch.zeros(1))).u_hat(u, w)
    torch.testing.assert_close(w @ moved, torch.nn.functional.softplus(w @ u) - 1)
    torch.testing.assert_close((moved - u) / w, ((moved - u) / w)[:1].expand(3))


def test_the_rest_of_a_sylvester_map_is_drawn_anew():
    flow = T.Sylvester(4, 2)
    before = {name: each.detach().clone() for name, each in flow.named_parameters()}
    flow.reset_parameters2()
    assert [name for name, each in flow.named_parameters() if torch.equal(each, before[name])] == ["u_unnormed"]
    assert all(each.abs().max() <= 0.01 for name, each in flow.named_parameters() if name != "u_unnormed")
