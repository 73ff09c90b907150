"""Shapes: batch and event dims, plates and their dims, subsampling, and broadcasting over enumerated values."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate


def shapes(fn):
    x = fn.sample()
    return tuple(fn.batch_shape), tuple(fn.event_shape), tuple(x.shape), tuple(fn.log_prob(x).shape)


def test_distributions_have_batch_and_event_dims():
    assert shapes(dist.Bernoulli(0.5)) == ((), (), (), ())
    assert shapes(dist.Bernoulli(0.5 * torch.ones(3, 4))) == ((3, 4), (), (3, 4), (3, 4))
    assert shapes(dist.Bernoulli(torch.tensor([0.1, 0.2])).expand([3, 4, 2])) == ((3, 4, 2), (), (3, 4, 2), (3, 4, 2))
    assert shapes(dist.MultivariateNormal(torch.zeros(3), torch.eye(3, 3))) == ((), (3,), (3,), ())
    assert shapes(dist.Bernoulli(0.5 * torch.ones(3, 4)).to_event(1)) == ((3,), (4,), (3, 4), (3,))


def model1():
    a = pyro.sample("a", dist.Normal(0, 1))
    b = pyro.sample("b", dist.Normal(torch.zeros(2), 1).to_event(1))
    with pyro.plate("c_plate", 2):
        c = pyro.sample("c", dist.Normal(torch.zeros(2), 1))
    with pyro.plate("d_plate", 3):
        d = pyro.sample("d", dist.Normal(torch.zeros(3, 4, 5), 1).to_event(2))
    assert a.shape == ()
    assert b.shape == (2,)
    assert c.shape == (2,)
    assert d.shape == (3, 4, 5)
    x_axis = pyro.plate("x_axis", 3, dim=-2)
    y_axis = pyro.plate("y_axis", 2, dim=-3)
    with x_axis:
        x = pyro.sample("x", dist.Normal(0, 1))
    with y_axis:
        y = pyro.sample("y", dist.Normal(0, 1))
    with x_axis, y_axis:
        xy = pyro.sample("xy", dist.Normal(0, 1))
        z = pyro.sample("z", dist.Normal(0, 1).expand([5]).to_event(1))
    assert x.shape == (3, 1)
    assert y.shape == (2, 1, 1)
    assert xy.shape == (2, 3, 1)
    assert z.shape == (2, 3, 1, 5)


def test_plates_have_dims_from_the_right():
    trace = poutine.trace(model1).get_trace()
    trace.compute_log_prob()
    shape_of = {name: tuple(trace.nodes[name]["log_prob"].shape) for name in ("a", "b", "c", "d", "x", "y", "xy", "z")}
    assert shape_of == {
        "a": (),
        "b": (),
        "c": (2,),
        "d": (3,),
        "x": (3, 1),
        "y": (2, 1, 1),
        "xy": (2, 3, 1),
        "z": (2, 3, 1),
    }
    table = trace.format_shapes()
    assert "xy dist 2 3 1 |" in " ".join(table.split())


@pytest.mark.parametrize("size", [10, 100])
def test_a_mini_batch_is_scaled_to_the_data(size):
    data = torch.arange(100.0)

    def model():
        mean = pyro.param("mean", torch.zeros(len(data)))
        with pyro.plate("data", len(data), subsample_size=size) as ind:
            assert len(ind) == size
            batch = data[ind]
            pyro.sample("x", dist.Normal(mean[ind], 1), obs=batch)
        return batch

    trace = poutine.trace(model).get_trace()
    batch = trace.nodes["_RETURN"]["value"]
    exact = dist.Normal(0, 1).log_prob(batch).sum() * 100 / size
    assert trace.log_prob_sum().item() == pytest.approx(exact.item(), rel=1e-5)


@config_enumerate
def model3():
    p = pyro.param("p", torch.arange(6.0) / 6)
    locs = pyro.param("locs", torch.tensor([-1.0, 1.0]))
    a = pyro.sample("a", dist.Categorical(torch.ones(6) / 6))
    b = pyro.sample("b", dist.Bernoulli(p[a]))
    with pyro.plate("c_plate", 4):
        c = pyro.sample("c", dist.Bernoulli(0.3))
        with pyro.plate("d_plate", 5):
            d = pyro.sample("d", dist.Bernoulli(0.4))
            e_loc = locs[d.long()].unsqueeze(-1)
            e_scale = torch.arange(1.0, 8.0)
            e = pyro.sample("e", dist.Normal(e_loc, e_scale).to_event(1))
    return a, b, c, d, e


def test_enumerated_values_have_dims_left_of_all_plates():
    trace = poutine.trace(poutine.enum(model3, first_available_dim=-3)).get_trace()
    a, b, c, d, e = trace.nodes["_RETURN"]["value"]
    assert a.shape == (6, 1, 1)
    assert b.shape == (2, 1, 1, 1)
    assert c.shape == (2, 1, 1, 1, 1)
    assert d.shape == (2, 1, 1, 1, 1, 1)
    assert e.shape == (2, 1, 1, 1, 5, 4, 7)
    # values that are summed out have no prior density beyond one
    loss = TraceEnum_ELBO(max_plate_nesting=2).loss(poutine.block(model3, hide=["e"]), lambda: None)
    assert loss == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("vectorize_particles", [False, True])
def test_particles_are_a_plate_on_the_left(vectorize_particles):
    seen = []

    def model():
        with pyro.plate("rows", 3):
            x = pyro.sample("x", dist.Normal(0, 1))
            seen.append(tuple(x.shape))
            pyro.sample("y", dist.Normal(x, 1), obs=torch.ones(3))

    def guide():
        with pyro.plate("rows", 3):
            pyro.sample("x", dist.Normal(0.5, 0.5**0.5))

    elbo = Trace_ELBO(num_particles=5, vectorize_particles=vectorize_particles, max_plate_nesting=1)
    evidence = dist.Normal(0, 2**0.5).log_prob(torch.ones(3)).sum()  # the guide is the posterior
    assert elbo.loss(model, guide) == pytest.approx(-evidence.item(), rel=1e-5)
    assert seen[-1] == ((5, 3) if vectorize_particles else (3,))
