"""All variables in the noise of a structured guide."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import Trace_ELBO
from virgil.infer.autoguide import AutoDiagonalNormal, AutoMultivariateNormal, AutoStructured
from virgil.infer.density.posterior_of import posterior_of
from virgil.infer.reparam import StructuredReparam


def model():
    with poutine.scale(scale=0.5):
        with virgil.plate("rows", 2), poutine.mask(mask=torch.tensor([True, False])):
            b = virgil.sample("b", dist.LogNormal(0.0, 1.0))
        a = virgil.sample("a", dist.Dirichlet(torch.ones(3)))
        virgil.sample("c", dist.Normal(b.sum() + a[0], 1.0), obs=torch.tensor(1.0))


@pytest.fixture(params=["normal", "mvn"])
def structured(request):
    guide = AutoStructured(model, conditionals=request.param, dependencies={"a": {"b": "linear"}}, init_scale=0.7)
    guide()
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return StructuredReparam(guide)


@pytest.mark.parametrize("way", ["reparam", "config"])
def test_the_joint_density_changes_by_the_volume(structured, way):
    """Scales and masks concern the density of a variable, and not the volume."""
    program = structured.reparam(model) if way == "reparam" else poutine.reparam(model, config=lambda site: structured)
    trace = poutine.trace(program).get_trace()
    assert trace.stochastic_nodes == ["b_aux", "a_aux"]
    assert all(trace.nodes[name].frames == () for name in trace.stochastic_nodes)
    assert not trace.param_nodes
    noise = torch.cat([trace.nodes[name].value for name in ("b_aux", "a_aux")])

    def values_of(noise):
        handler = structured._points(_noise(noise))
        return {name: point.v for name, point in handler.points.items()}

    values = values_of(noise)
    for name, value in values.items():
        torch.testing.assert_close(trace.nodes[name].value, value)

    def coordinates(noise):
        values = values_of(noise)
        return torch.cat([values["b"], values["a"][:2]])

    change = torch.linalg.slogdet(torch.autograd.functional.jacobian(coordinates, noise)).logabsdet
    plain = poutine.trace(poutine.condition(model, data=values)).get_trace().log_prob_sum()
    torch.testing.assert_close(trace.log_prob_sum(), plain + change)
    rows = structured.transform_samples({"b_aux": noise[:2], "a_aux": noise[2:]})
    torch.testing.assert_close(rows["a"], values["a"])


def _noise(noise):
    from virgil.infer.reparam.structured import _Noise

    return _Noise({"b_aux": noise[:2], "a_aux": noise[2:]}, {})


def test_many_draws_are_transformed(structured):
    noise = {"b_aux": torch.randn(5, 4, 2), "a_aux": torch.randn(5, 4, 2)}
    values = structured.transform_samples(noise)
    assert {name: value.shape for name, value in values.items()} == {"b": (5, 4, 2), "a": (5, 4, 3)}
    one = structured.transform_samples({name: value[3, 1] for name, value in noise.items()}, save_params=["a"])
    assert set(one) == {"a"}
    torch.testing.assert_close(one["a"], values["a"][3, 1])
    with pytest.raises(ArgumentError, match="got no draws of 'b_aux'"):
        structured.transform_samples({"a_aux": torch.zeros(2)})


def test_particles_are_drawn_at_once_as_in_turn(structured):
    program = structured.reparam(model)
    losses = []
    for at_once in (True, False):
        virgil.set_rng_seed(0)
        guide = AutoMultivariateNormal(program, init_scale=1e-6)
        objective = Trace_ELBO(num_particles=3, vectorize_particles=at_once)
        virgil.set_rng_seed(1)
        losses.append(objective.loss(program, guide))
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_the_posterior_of_an_exact_guide_is_a_standard_normal():
    """Of a guide that is the posterior the noise is standard normal: its log-density has the Hessian -1."""

    def normal():
        a = virgil.sample("a", dist.Normal(0.0, 2.0))
        virgil.sample("x", dist.Normal(a, 1.0), obs=torch.tensor(3.0))

    guide = AutoStructured(normal)
    guide()
    with torch.no_grad():
        guide._leaf("locs", "a").fill_(2.4)
        guide._leaf("scales", "a").copy_(
            torch.tensor([0.8**0.5]).expm1().log()
        )  # softplus of it is the posterior's deviation
    density = posterior_of(StructuredReparam(guide).reparam(normal))
    at = torch.tensor([[-1.0], [0.0], [2.0]])
    value, slope = density.gradient(at)
    torch.testing.assert_close(slope, -at, atol=1e-5, rtol=0)
    torch.testing.assert_close(value - value[1], (-at[:, 0].square() / 2).double(), atol=1e-5, rtol=0)


def test_other_guides_are_refused(structured):
    with pytest.raises(ArgumentError, match="it takes an AutoStructured"):
        StructuredReparam(AutoDiagonalNormal(model))
    with pytest.raises(ArgumentError, match="no latent variables yet. Fit it first"):
        StructuredReparam(AutoStructured(model))
    points = AutoStructured(model, conditionals="delta", dependencies={})
    points()
    with pytest.raises(ArgumentError, match="Give AutoStructured\\(conditionals='mvn'\\) or 'normal'"):
        StructuredReparam(points)
    observed = structured.reparam(poutine.condition(model, data={"b": torch.ones(2)}))
    with pytest.raises(ArgumentError, match="site 'b', StructuredReparam got an observed variable"):
        observed()
