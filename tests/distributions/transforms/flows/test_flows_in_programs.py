"""Flows as guides and as densities of data, eager and compiled."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.distributions import transforms as maps
from virgil.infer import SVI, Trace_ELBO

BASE = dist.Normal(torch.zeros(2), 1.0).to_event(1)
CORRELATED = dist.MultivariateNormal(torch.tensor([1.0, -2.0]), torch.tensor([[1.0, 0.6], [0.6, 0.5]]))
GUIDES = {
    "AffineAutoregressive": lambda: maps.affine_autoregressive(2),
    "AffineCoupling": lambda: maps.affine_coupling(2),
    "BlockAutoregressive": lambda: maps.block_autoregressive(2, residual="gated"),
    "NeuralAutoregressive": lambda: maps.neural_autoregressive(2),
    "Spline": lambda: maps.spline(2),
    "SplineAutoregressive": lambda: maps.spline_autoregressive(2),
    "SplineCoupling": lambda: maps.spline_coupling(2),
}


def guided(flow):
    def model():
        virgil.sample("z", CORRELATED)

    def guide():
        virgil.module("flow", flow)
        virgil.sample("z", dist.TransformedDistribution(BASE, [flow]))

    return model, guide


def observed(flow):
    data = CORRELATED.sample((32,))

    def model():
        virgil.module("flow", flow)
        with virgil.plate("rows", 32):
            virgil.sample("x", dist.TransformedDistribution(BASE, [flow]), obs=data)

    return model, lambda: None


def fit(programs):
    return SVI(*programs, virgil.optim.Adam({"lr": 0.02}), Trace_ELBO())


@pytest.mark.parametrize("name", GUIDES)
def test_a_flow_is_a_guide_whose_parameters_are_fitted(name):
    flow = GUIDES[name]()
    before = {key: value.clone() for key, value in flow.state_dict().items()}
    svi = fit(guided(flow))
    for _ in range(3):
        assert torch.tensor(svi.step()).isfinite()
    moved = {key for key, value in flow.state_dict().items() if not torch.equal(value, before[key])}
    assert {key for key, _ in flow.named_parameters()} == moved


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_network_with_masks_is_fitted_by_several_particles(vectorized):
    """The checks of the first step run between a loss and its derivative, which the masks belong to."""
    flow = maps.affine_autoregressive(2)
    losses = Trace_ELBO(num_particles=4, vectorize_particles=vectorized)
    svi = SVI(*guided(flow), virgil.optim.Adam({"lr": 0.02}), losses)
    assert all(torch.tensor(svi.step()).isfinite() for _ in range(3))


@pytest.mark.long
@pytest.mark.parametrize("program", [guided, observed])
def test_a_flow_runs_compiled(program):
    def losses(engine):
        virgil.clear_param_store()
        virgil.set_rng_seed(0)
        return fit(program(maps.affine_coupling(2))).run(3, engine=engine, progress=False).losses

    compiled = losses("xla")
    assert compiled.isfinite().all()
    if program is observed:  # no noise, so it is the same fit
        torch.testing.assert_close(compiled, losses("eager"), rtol=1e-4, atol=1e-4)


def test_a_layer_that_writes_running_averages_is_captured():
    norm = maps.batchnorm(2)
    fit(observed(norm)).run(3, engine="xla", progress=False)
    assert norm.moving_mean[0] > 0.05


def test_a_conditional_flow_is_a_guide_for_each_row():
    flow = maps.conditional_affine_autoregressive(2, context_dim=1)
    data = torch.linspace(-1, 1, 20)
    base = dist.Normal(torch.zeros(20, 2), 1.0).to_event(1)
    conditional = dist.ConditionalTransformedDistribution(base, [flow])

    def model():
        with virgil.plate("rows", 20):
            z = virgil.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))
            virgil.sample("x", dist.Normal(z.sum(-1), 0.5), obs=data)

    def guide():
        virgil.module("flow", flow)
        with virgil.plate("rows", 20):
            virgil.sample("z", conditional.condition(data[:, None]))

    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.02}), Trace_ELBO())
    first = sum(svi.step() for _ in range(20))
    for _ in range(100):
        svi.step()
    assert sum(svi.step() for _ in range(20)) < first
