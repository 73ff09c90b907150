"""Guides by groups of sites: the density of a draw, plates and mini-batches, points, states and refusals."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.contrib.easyguide import EasyGuide, easy_guide
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO

DATA = torch.arange(6.0)


def model(batch=2):
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    virgil.sample("b", dist.LogNormal(torch.zeros(2), 1.0).to_event(1))
    with virgil.plate("p", 6, subsample_size=batch) as indices:
        z = virgil.sample("z", dist.LogNormal(a, 1.0))
        virgil.sample("w", dist.LogNormal(a, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=DATA[indices])


class ByGroups(EasyGuide):
    def guide(self, batch=2):
        both = self.group(match="a|b")
        loc = virgil.param("loc", torch.zeros(both.event_shape))
        vector, values = both.sample("both", dist.Normal(loc, 0.1).to_event(1))
        assert values["b"].shape == (2,)
        with self.plate("p", subsample_size=batch):
            group = self.group(match="z")
            each = virgil.param("each", torch.zeros(6, 1), event_dim=1)
            group.sample("zs", dist.Normal(each, 0.1).to_event(1))
            self.map_estimate("w")
        return vector


def test_the_density_is_that_of_the_vector_less_the_volume():
    guide = ByGroups(model)
    trace = poutine.trace(guide).get_trace()
    vector, total = trace.nodes["both"].value, trace.log_prob_sum(lambda name, site: name in ("both", "a", "b"))
    expected = dist.Normal(0.0, 0.1).log_prob(vector).sum() - vector[1:].sum()  # exp stretches by exp(u)
    torch.testing.assert_close(total, expected)
    assert torch.equal(trace.nodes["a"].value, vector[0])
    torch.testing.assert_close(trace.nodes["b"].value, vector[1:].exp())
    assert trace.nodes["z"].value.shape == (2,)


def test_a_fit_by_mini_batches_with_particles():
    guide = ByGroups(model)
    objective = Trace_ELBO(num_particles=3, vectorize_particles=True)
    fit = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective).run(5, progress=False)
    assert bool(fit.losses.isfinite().all())
    store = virgil.get_param_store()
    assert store["each"].shape == (6, 1)
    assert store["ByGroups.w"].shape == (6,)


def test_sites_outside_and_inside_of_a_plate_in_one_group():
    @easy_guide(model)
    def guide(self, batch=6):
        group = self.group(match=".*")
        assert group.event_shape == (15,)
        group.sample("all", dist.Normal(torch.zeros(15), 1.0).to_event(1))

    trace = poutine.trace(guide).get_trace(6)
    assert trace.nodes["z"].value.shape == (6,)
    assert [frame.name for frame in trace.nodes["z"].frames] == ["p"]
    assert bool(Trace_ELBO().differentiable_loss(model, guide, 6).isfinite())


def test_points_and_their_state():
    class Points(EasyGuide):
        def guide(self, batch=2):
            self.group(match="a|b").map_estimate()
            with self.plate("p", 6, subsample_size=batch):
                self.group(match="z|w").map_estimate()

        def init(self, site):
            return torch.full(site.fn.shape(), 2.0)

    guide = Points(model)
    guide()
    assert guide.w.tolist() == pytest.approx([2.0] * 6)
    state = {name: value + 1.0 for name, value in guide.state_dict().items()}
    for is_set_up in (False, True):
        other = Points(model)
        if is_set_up:
            other()
        other.load_state_dict(state)
        other()
        assert all(torch.equal(value, state[name]) for name, value in other.state_dict().items())


def test_what_is_refused():
    def runs(program):
        return easy_guide(model)(program)

    with pytest.raises(ArgumentError, match="matches no latent site"):
        runs(lambda self: self.group(match="q"))()
    with pytest.raises(ArgumentError, match="no latent site of the model"):
        runs(lambda self: self.map_estimate("q"))()
    with pytest.raises(ArgumentError, match="not open"):
        runs(lambda self: self.group(match="z|w").sample("zs", dist.Normal(torch.zeros(2), 1.0).to_event(1)))()
    with pytest.raises(ArgumentError, match="event shape"):
        runs(lambda self: self.group(match="a").sample("as", dist.Normal(0.0, 1.0)))()
    with pytest.raises(NotImplementedError, match="guide"):
        EasyGuide(model)()
