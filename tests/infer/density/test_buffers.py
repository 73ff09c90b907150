"""A network's expanded buffer, into which torch refuses to write, is read as any other."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.density.buffers import buffers_of


class Scaled(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.inner = nn.Linear(3, 1)
        self.register_buffer("scale", scale)

    def forward(self, x):
        return self.inner(x * self.scale).squeeze(-1)


def losses(scale, engine):
    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    net, x, y = Scaled(scale), torch.randn(8, 3), torch.randn(8)

    def model():
        virgil.module("net", net)
        bias = virgil.sample("bias", dist.Normal(0.0, 1.0))
        with virgil.plate("rows", 8):
            virgil.sample("y", dist.Normal(net(x) + bias, 1.0), obs=y)

    def guide():
        virgil.sample("bias", dist.Normal(virgil.param("loc", torch.zeros(())), 1.0))

    return (
        SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), Trace_ELBO()).run(20, engine=engine, progress=False).losses
    )


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_an_expanded_buffer_is_as_good_as_its_copy(engine):
    expanded = torch.tensor([2.0]).expand(3)
    torch.testing.assert_close(losses(expanded, engine), losses(expanded.clone(), engine), rtol=1e-6, atol=0)
    assert expanded.tolist() == [2.0, 2.0, 2.0]


def test_only_what_can_be_written_is_a_state():
    module = Scaled(torch.tensor([2.0]).expand(3))
    module.inner.register_buffer("steps", torch.zeros(1).expand(1))  # one entry is one number
    module.register_buffer("same", module.inner.steps)
    assert list(map(id, buffers_of(module.modules()))) == [id(module.same)]
