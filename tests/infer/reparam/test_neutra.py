"""All variables in the coordinates of a guide."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import Trace_ELBO
from virgil.infer.autoguide import AutoDiagonalNormal, AutoMultivariateNormal, AutoNormal
from virgil.infer.reparam import NeuTraReparam


def model():
    with poutine.scale(scale=0.5):
        with virgil.plate("rows", 2), poutine.mask(mask=torch.tensor([True, False])):
            b = virgil.sample("b", dist.LogNormal(0.0, 1.0))
        a = virgil.sample("a", dist.Dirichlet(torch.ones(3)))
        virgil.sample("c", dist.Normal(b.sum() + a[0], 1.0), obs=torch.tensor(1.0))


@pytest.fixture(params=[AutoDiagonalNormal, AutoMultivariateNormal])
def neutra(request):
    guide = request.param(model, init_scale=0.7)
    guide()
    if request.param is AutoMultivariateNormal:
        with torch.no_grad():
            guide._parameters["scale_tril"].normal_()
    return NeuTraReparam(guide)


@pytest.mark.parametrize("way", ["reparam", "config"])
def test_the_joint_density_changes_by_the_volume(neutra, way):
    """Scales and masks concern the density of a variable, and not the volume."""
    program = neutra.reparam(model) if way == "reparam" else poutine.reparam(model, config=lambda site: neutra)
    trace = poutine.trace(program).get_trace()
    assert trace.stochastic_nodes == ["b_shared_latent"]
    assert trace.nodes["b_shared_latent"].frames == ()
    base = trace.nodes["b_shared_latent"].value
    values = neutra.transform_sample(base)
    for name, value in values.items():
        torch.testing.assert_close(trace.nodes[name].value, value)

    def coordinates(base):
        values = neutra.transform_sample(base)
        return torch.cat([values["b"], values["a"][:2]])

    change = torch.linalg.slogdet(torch.autograd.functional.jacobian(coordinates, base)).logabsdet
    plain = poutine.trace(poutine.condition(model, data=values)).get_trace().log_prob_sum()
    torch.testing.assert_close(trace.log_prob_sum(), plain + change)


def test_many_draws_are_transformed(neutra):
    values = neutra.transform_sample(torch.randn(5, 4, 4))
    assert {name: value.shape for name, value in values.items()} == {"b": (5, 4, 2), "a": (5, 4, 3)}


def test_particles_are_drawn_at_once_as_in_turn(neutra):
    program = neutra.reparam(model)
    losses = []
    for at_once in (True, False):
        virgil.set_rng_seed(0)
        guide = AutoMultivariateNormal(program, init_scale=1e-6)
        objective = Trace_ELBO(num_particles=3, vectorize_particles=at_once)
        virgil.set_rng_seed(1)
        losses.append(objective.loss(program, guide))
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_guides_without_a_vector_are_refused(neutra):
    guide = AutoNormal(model)
    with pytest.raises(ArgumentError, match="got guide=<AutoNormal>; it takes a guide that draws all"):
        NeuTraReparam(guide)
    with pytest.raises(ArgumentError, match="no latent variables yet. Fit it first"):
        NeuTraReparam(AutoDiagonalNormal(model))
    observed = neutra.reparam(poutine.condition(model, data={"b": torch.ones(2)}))
    with pytest.raises(ArgumentError, match="site 'b', NeuTraReparam got an observed variable"):
        observed()


def test_variables_of_a_plate_with_no_volume_or_with_data():
    """Uniform variables of which half are data: the volume is that of the other half alone."""

    def program():
        with virgil.plate("slots", 4):
            x = virgil.sample("x", dist.Normal(0.0, 1.0))
            seen = torch.tensor([True, False, True, False])
            virgil.sample("y", dist.Uniform(0.0, 3.0), obs=torch.full((4,), 0.5), obs_mask=seen)
            virgil.sample("z", dist.Normal(x, 1.0), obs=torch.ones(4))

    guide = AutoDiagonalNormal(program, init_scale=0.7)
    guide()
    neutra = NeuTraReparam(guide)
    trace = poutine.trace(neutra.reparam(program)).get_trace()
    base = trace.nodes["x_shared_latent"].value
    assert base.shape == (6,)
    values = neutra.transform_sample(base)

    def coordinates(base):
        values = neutra.transform_sample(base)
        return torch.cat([values["x"], values["y_unobserved"][[1, 3]]])

    change = torch.linalg.slogdet(torch.autograd.functional.jacobian(coordinates, base)).logabsdet
    plain = poutine.trace(poutine.condition(program, data=values)).get_trace().log_prob_sum()
    torch.testing.assert_close(trace.log_prob_sum(), plain + change)
