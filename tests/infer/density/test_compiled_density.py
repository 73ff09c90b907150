"""A density on an engine is the eager one, at parameters, buffers and arguments as they are at each call."""

from dataclasses import replace

import jax
import numpy as np
import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.infer.density.programs import DATA, PROGRAMS, double, double_by_default, normal
from virgil.errors import ArgumentError, CaptureError
from virgil.infer.density.compiled_density import CompiledDensity
from virgil.infer.density.posterior_of import posterior_of

pytestmark = pytest.mark.long


def compared(density, engine, rtol, count=3):
    """One vector and several, by the engine and eagerly."""
    compiled, vectors = CompiledDensity(density, engine), density.initial(count)
    for given in (vectors, vectors[0]):
        values, slopes = density.gradient(given)
        torch.testing.assert_close(compiled(given), values, rtol=rtol, atol=rtol)
        torch.testing.assert_close(compiled.gradient(given), (values, slopes), rtol=rtol, atol=rtol)
    return compiled


@pytest.mark.parametrize("name", PROGRAMS)
def test_xla_computes_what_eager_does(name):
    model, args, _ = PROGRAMS[name]
    with double_by_default():
        compiled = compared(posterior_of(model, args), "xla", 1e-10)
    assert compiled.engine == "xla"


def regression(points, data):
    weights = virgil.sample("weights", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    scale = virgil.sample("scale", dist.HalfCauchy(1.0))
    with virgil.plate("rows", len(data)):
        which = virgil.sample("which", dist.Bernoulli(0.8))
        mean = (points * weights.unsqueeze(-2)).sum(-1)
        virgil.sample("x", dist.Normal(mean, scale * (1 + 4 * which)), obs=data)


def single_precision():
    return posterior_of(regression, (torch.randn(8, 2), torch.randn(8)))


def test_xla_in_single_precision():
    assert single_precision().dtype == torch.float32
    compared(single_precision(), "xla", 1e-5)


@pytest.mark.every_engine
def test_inductor_computes_what_eager_does():
    compared(single_precision(), "inductor", 1e-5)


@pytest.mark.every_engine
@pytest.mark.parametrize("one_by_one", [False, True])
def test_inductor_takes_vectors_of_a_program_that_indexes(one_by_one):
    def model():
        z = virgil.sample("z", dist.Normal(double([0.0, 1.0]), 1.0).to_event(1))
        virgil.sample("x", dist.Normal(z[0], 1.0), obs=double(0.4))

    density = posterior_of(model)
    assert density.joint.draws.mapped
    if one_by_one:
        density = replace(density, joint=density.joint.one_by_one())
    compared(density, "inductor", 1e-10)


def test_parameters_buffers_and_arguments_are_read_at_each_call():
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).double().eval()

    def model(points, data):
        virgil.module("net", net)
        mu = virgil.sample("mu", dist.Normal(virgil.param("loc", double(1.0)), 1.0))
        with virgil.plate("rows", len(points)):
            virgil.sample("x", dist.Normal(net(points).squeeze(-1) + mu, 1.0), obs=data["x"])

    def drawn():
        return (torch.randn(6, 1, dtype=torch.float64), {"x": torch.randn(6, dtype=torch.float64)})

    density = posterior_of(model, drawn())
    compiled, vector = CompiledDensity(density, "xla"), double([0.3])

    def same():
        torch.testing.assert_close(compiled.gradient(vector), compiled.density.gradient(vector), rtol=1e-10, atol=0)
        return compiled(vector).item()

    seen = [same()]
    virgil.get_param_store()["loc"] = double(3.0)
    seen.append(same())
    with torch.no_grad():
        net[0].weight.add_(1.0)
    seen.append(same())
    net[1].running_mean.add_(0.5)
    seen.append(same())
    compiled = compiled.on(drawn(), {})
    seen.append(same())
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("other", [(DATA[:3],), (DATA.float(),), (DATA, 1)])
def test_arguments_of_other_shapes_are_refused(other):
    compiled = CompiledDensity(posterior_of(normal, (DATA,)), "eager")
    assert torch.equal(compiled.on((DATA + 1,), {})(double([0.1])), posterior_of(normal, (DATA + 1,))(double([0.1])))
    with pytest.raises(ArgumentError, match="Only the values of tensors may differ"):
        compiled.on(other, {})


def test_a_buffer_that_the_model_writes_is_left_alone():
    net = nn.BatchNorm1d(1).double()

    def model(points):
        mu = virgil.sample("mu", dist.Normal(double(0.0), 1.0))
        with virgil.plate("rows", len(points)):
            virgil.sample("x", dist.Normal(net(points).squeeze(-1) + mu, 1.0), obs=points[:, 0])

    points = torch.randn(6, 1, dtype=torch.float64)
    density = posterior_of(model, (points,))
    compared(density, "xla", 1e-10)
    assert torch.equal(net.running_mean, torch.zeros(1, dtype=torch.float64))
    assert net.num_batches_tracked == 0


def test_jax_jits_maps_and_differentiates_a_density_once():
    model, args, _ = PROGRAMS["mixture"]
    density = posterior_of(model, args)
    compiled, vectors = CompiledDensity(density, "xla"), density.initial(5)
    with jax.enable_x64(True):
        log_density = compiled.in_jax()
        values, slopes = jax.jit(jax.vmap(jax.value_and_grad(log_density)))(vectors.numpy())
        expected = density.gradient(vectors)
        np.testing.assert_allclose(values, expected[0], rtol=1e-10)
        np.testing.assert_allclose(slopes, expected[1], rtol=1e-10)

        def climb(vector, _):
            return vector + 0.02 * jax.grad(log_density)(vector), None

        top, _ = jax.jit(lambda vector: jax.lax.scan(climb, vector, length=2000))(vectors[0].numpy())
        with pytest.raises(CaptureError, match="second derivative"):
            jax.jacrev(jax.grad(log_density))(vectors[0].numpy())
    np.testing.assert_allclose(density.gradient(torch.from_numpy(np.array(top)))[1], 0.0, atol=1e-8)


def branching():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(z if z > 0 else -z, 1.0), obs=torch.tensor(1.0))


def test_a_model_that_cannot_be_captured_is_computed_eagerly_or_refused():
    density = posterior_of(branching)
    compiled = CompiledDensity(density)
    assert compiled.engine == "eager"
    assert "z if z > 0" in compiled.reason
    assert torch.equal(compiled(torch.tensor([0.7])), density(torch.tensor([0.7])))
    with pytest.raises(CaptureError, match="z if z > 0"):
        CompiledDensity(density, "xla")
    with pytest.raises(CaptureError, match=r"no function of JAX(?s:.*)z if z > 0"):
        compiled.in_jax()
