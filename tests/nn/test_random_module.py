"""``random_module``: copies of a network with drawn parameters."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.nn.layers import normal, observe
from tests.nn.pairs import ARGS
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.poutine import trace

PRIORS = {
    "some": ({"weight": normal(1, 2)}, {"weight"}),
    "all": ({"weight": normal(1, 2), "bias": normal(1)}, {"weight", "bias"}),
    "a function": (lambda name: normal(1) if name == "bias" else None, {"bias"}),
}


def random(network, prior):
    with pytest.warns(DeprecationWarning, match="Use virgil.nn.PyroModule"):
        return virgil.random_module("net", network, prior)


@pytest.mark.parametrize("which", PRIORS)
def test_a_drawn_network_has_the_values_of_its_sites(which):
    prior, names = PRIORS[which]
    network = nn.Linear(2, 1)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    draw = random(network, prior)
    got = trace(draw).get_trace()
    drawn = got.nodes["_RETURN"].value
    assert set(got.stochastic_nodes) == {f"net$$${name}" for name in names}
    assert set(got.param_nodes) == {f"net$$${name}" for name in {"weight", "bias"} - names}
    for name in ("weight", "bias"):
        assert torch.equal(getattr(drawn, name), got.nodes[f"net$$${name}"].value)
        if name not in names:
            assert getattr(drawn, name) is getattr(network, name)
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_program_with_one_is_fitted(engine):
    draw = random(nn.Linear(2, 1), {"weight": normal(1, 2)})

    def model(x, y):
        observe(draw()(x)[:, 0], y)

    guide = AutoNormal(model)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    fit = svi.run(200, *ARGS, engine=engine, progress=False)
    assert fit.losses[-50:].mean() < fit.losses[:50].mean()
    assert set(virgil.get_param_store()) == {
        "net$$$bias",
        "AutoNormal.locs.net$$$weight",
        "AutoNormal.scales.net$$$weight",
    }


def test_a_recurrent_network_uses_what_was_drawn():
    network = nn.GRU(2, 3)
    draw = random(network, {"weight_ih_l0": dist.Delta(torch.zeros(9, 2), event_dim=2)})
    drawn = draw()
    assert torch.equal(drawn(torch.ones(1, 1, 2))[0], drawn(torch.zeros(1, 1, 2))[0])
    assert not torch.equal(network(torch.ones(1, 1, 2))[0], network(torch.zeros(1, 1, 2))[0])


def test_a_prior_for_what_is_not_there():
    with (
        pytest.warns(DeprecationWarning, match="former"),
        pytest.raises(ArgumentError, match="'wieght'.*Did you mean 'weight'"),
    ):
        virgil.random_module("net", nn.Linear(1, 1), {"wieght": normal(1)})
