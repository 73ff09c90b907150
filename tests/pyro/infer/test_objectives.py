"""Objectives of old programs: subclasses that use or exchange the traces, and functions, against closed forms."""

import math
from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import ELBO, SVI, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate
from pyro.infer.enum import get_importance_trace
from pyro.infer.util import torch_item

from virgil import infer as house

X = torch.tensor([0.3, 1.2, -0.4])


def model():
    loc = pyro.sample("loc", dist.Normal(0.0, 1.0))
    with pyro.plate("data", 3):
        pyro.sample("x", dist.Normal(loc, 1.0), obs=X)


def guide(loc=0.2, scale=0.7):
    loc = pyro.param("q_loc", torch.tensor(loc))
    scale = pyro.param("q_scale", torch.tensor(scale), constraint=dist.constraints.positive)
    pyro.sample("loc", dist.Normal(loc, scale))


exact_guide = partial(guide, float(X.sum()) / 4, 0.5)  # the posterior: every draw's weight is the evidence
EVIDENCE = torch.distributions.MultivariateNormal(torch.zeros(3), torch.eye(3) + torch.ones(3, 3)).log_prob(X).item()


def the_bound(loc, scale):
    """E log p(x, loc) - E log q in closed form."""
    log_joint = -2.0 * math.log(2 * math.pi) - 0.5 * (loc**2 + scale**2 + float(((X - loc) ** 2).sum()) + 3 * scale**2)
    return log_joint + 0.5 * math.log(2 * math.pi * math.e * scale**2)


class OfTraces(ELBO):
    """An objective that goes through the traces itself."""

    def _get_trace(self, model, guide, args, kwargs):
        return get_importance_trace("flat", self.max_plate_nesting, model, guide, args, kwargs)

    def loss(self, model, guide, *args, **kwargs):
        total = 0.0
        for model_trace, guide_trace in self._get_traces(model, guide, args, kwargs):
            total += torch_item(model_trace.log_prob_sum() - guide_trace.log_prob_sum()) / self.num_particles
        return -total

    def loss_and_grads(self, model, guide, *args, **kwargs):
        total = 0.0
        for model_trace, guide_trace in self._get_traces(model, guide, args, kwargs):
            particle = 0.0
            for site in model_trace.nodes.values():
                if site["type"] == "sample":
                    particle = particle + site["log_prob_sum"]
            for site in guide_trace.nodes.values():
                if site["type"] == "sample":
                    particle = particle - site["log_prob_sum"]
            total = total + particle / self.num_particles
        (-total).backward()
        return -total.item()


class OnlyTraces(Trace_ELBO):
    """Exchanges one execution, and inherits the rest."""

    def _get_trace(self, model, guide, args, kwargs):
        return get_importance_trace("flat", self.max_plate_nesting, model, guide, args, kwargs)


class AllTraces(Trace_ELBO):
    """Exchanges all executions, and inherits the rest."""

    def _get_traces(self, model, guide, args, kwargs):
        for _ in range(self.num_particles):
            drawn = poutine.trace(guide).get_trace(*args, **kwargs)
            yield poutine.trace(poutine.replay(model, trace=drawn)).get_trace(*args, **kwargs), drawn


class Tempered(Trace_ELBO):
    """Weighs the likelihood by one half."""

    def _get_trace(self, model, guide, args, kwargs):
        model_trace, guide_trace = super()._get_trace(model, guide, args, kwargs)
        model_trace.nodes["x"].scale = 0.5
        model_trace.nodes["x"].forget_log_prob()
        return model_trace, guide_trace


def simple_elbo(model, guide, *args, **kwargs):
    drawn = poutine.trace(guide).get_trace(*args, **kwargs)
    scored = poutine.trace(poutine.replay(model, trace=drawn)).get_trace(*args, **kwargs)
    return -(scored.log_prob_sum() - drawn.log_prob_sum())


OWN = [OfTraces, OnlyTraces, AllTraces]


@pytest.mark.parametrize("kind", OWN)
def test_at_the_posterior_each_particle_is_the_evidence(kind):
    assert kind(num_particles=3).loss(model, exact_guide) == pytest.approx(-EVIDENCE, rel=1e-5)


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("options", [{}, {"num_particles": 4}])
def test_loss_and_gradient_are_those_of_the_built_in_objective_on_the_same_draws(kind, options):
    found = []
    for elbo in (kind(**options), house.Trace_ELBO(vectorize_particles=False, **options)):
        pyro.clear_param_store()
        elbo.loss(model, guide)
        pyro.set_rng_seed(5)
        loss = elbo.loss_and_grads(model, guide)
        store = pyro.get_param_store()
        found.append([loss, *(store.unconstrained(name).grad.item() for name in ("q_loc", "q_scale"))])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


@pytest.mark.parametrize("kind", [OfTraces, OnlyTraces])
def test_all_particles_at_once_have_the_mean_of_the_closed_form(kind):
    """20,000 particles: the weight's standard deviation is under 2, so 0.08 is more than five standard errors."""
    loss = kind(num_particles=20_000, vectorize_particles=True, max_plate_nesting=1).loss(model, guide)
    assert loss == pytest.approx(-the_bound(0.2, 0.7), abs=0.08)


def test_traces_of_all_particles_at_once_have_a_dim_for_them():
    elbo = Trace_ELBO(num_particles=5, vectorize_particles=True)
    ((model_trace, guide_trace),) = elbo._get_traces(model, guide, (), {})
    assert model_trace.nodes["x"]["log_prob"].shape == (5, 3)
    assert guide_trace.nodes["loc"]["log_prob"].shape == (5, 1)
    assert elbo.max_plate_nesting == 1


def test_the_traces_are_those_of_the_model_then_of_the_guide_without_plates():
    pairs = list(Trace_ELBO(num_particles=2)._get_traces(model, guide, (), {}))
    assert len(pairs) == 2
    for model_trace, guide_trace in pairs:
        assert [name for name in model_trace.nodes if name[0] != "_"] == ["loc", "x"]
        assert [name for name in guide_trace.nodes if name[0] != "_"] == ["q_loc", "q_scale", "loc"]
        assert model_trace.nodes["loc"]["value"] is guide_trace.nodes["loc"]["value"]


def test_a_subclass_may_change_the_traces_that_it_inherits():
    """E log q and E log p(loc) as they are, and half of E log p(x)."""
    exact = the_bound(0.2, 0.7)
    likelihood = -1.5 * math.log(2 * math.pi) - 0.5 * (float(((X - 0.2) ** 2).sum()) + 3 * 0.49)
    loss = Tempered(num_particles=2_000).loss(model, guide)
    # the standard deviation of a weight is under 2: 0.25 is more than five standard errors
    assert loss == pytest.approx(-(exact - likelihood / 2), abs=0.25)


def test_scores_of_a_subclass_with_its_own_traces_are_unbiased():
    """A Bernoulli of the guide: the gradient of the bound by sums over both values, five standard errors of 1,500."""
    probs = torch.tensor([0.4, 0.6])

    def coin_model():
        z = pyro.sample("z", dist.Bernoulli(0.5))
        pyro.sample("x", dist.Bernoulli(probs[z.long()]), obs=torch.tensor(1.0))

    def coin_guide():
        pyro.sample("z", dist.Bernoulli(logits=pyro.param("logit", torch.tensor(0.3))))

    logit = torch.tensor(0.3, requires_grad=True)
    q = torch.stack([1 - logit.sigmoid(), logit.sigmoid()])
    (exact,) = torch.autograd.grad((q * (q.log() - math.log(0.5) - probs.log())).sum(), logit)
    gradients = []
    for _ in range(1_500):
        AllTraces().loss_and_grads(coin_model, coin_guide)
        leaf = pyro.get_param_store().unconstrained("logit")
        gradients.append(leaf.grad.clone())
        leaf.grad = None
    mean, error = torch.stack(gradients).mean(), torch.stack(gradients).std() / math.sqrt(1_500)
    assert abs(mean - exact) < 5 * error


@config_enumerate
def mixture():
    loc = pyro.sample("loc", dist.Normal(0.0, 1.0))
    with pyro.plate("data", 3):
        which = pyro.sample("which", dist.Bernoulli(0.25))
        pyro.sample("x", dist.Normal(loc + which, 1.0), obs=X)


def test_traces_of_an_enumerating_objective_have_all_values():
    ((model_trace, _),) = TraceEnum_ELBO()._get_traces(mixture, guide, (), {})
    which, x = model_trace.nodes["which"], model_trace.nodes["x"]
    assert which["value"].flatten().tolist() == [0.0, 1.0]
    loc = model_trace.nodes["loc"]["value"]
    normal = torch.distributions.Normal
    exact = (0.75 * normal(loc, 1.0).log_prob(X).exp() + 0.25 * normal(loc + 1, 1.0).log_prob(X).exp()).log().sum()
    found = (which["log_prob"] + x["log_prob"]).logsumexp(0).sum()
    assert found.item() == pytest.approx(exact.item(), rel=1e-5)


@pytest.mark.parametrize("kind", [Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO])
def test_the_classes_of_the_alias_are_the_houses_and_related_as_old_ones(kind):
    assert issubclass(kind, ELBO)
    assert issubclass(kind, getattr(house, kind.__name__))
    assert kind().choices == getattr(house, kind.__name__)().choices
    assert issubclass(TraceMeanField_ELBO, Trace_ELBO)
    pyro.set_rng_seed(0)
    loss = kind(strict_enumeration_warning=False).loss(model, guide)
    pyro.set_rng_seed(0)
    assert loss == getattr(house, kind.__name__)(strict_enumeration_warning=False).loss(model, guide)


@pytest.mark.parametrize("loss", [*OWN, lambda: simple_elbo])
def test_svi_fits_by_it(loss):
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.02}), loss())
    first = svi.evaluate_loss()
    assert isinstance(first, float)
    for _ in range(400):
        assert isinstance(svi.step(), float)
    # the posterior is Normal(sum / 4, 1 / 2); a step moves a parameter by 0.02 at most
    assert pyro.param("q_loc").item() == pytest.approx(float(X.sum()) / 4, abs=0.3)
    assert pyro.param("q_scale").item() == pytest.approx(0.5, abs=0.3)


def test_a_function_for_the_gradients_apart_is_used():
    elbo, called = Trace_ELBO(), []

    def loss_and_grads(model, guide, *args, **kwargs):
        called.append(1)
        return elbo.loss_and_grads(model, guide, *args, **kwargs)

    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.1}), elbo.loss, loss_and_grads)
    svi.step()
    assert called == [1]
    assert svi.evaluate_loss() == pytest.approx(-the_bound(0.1, 0.7), abs=20.0)


def test_an_objective_that_computes_gradients_itself_is_not_captured():
    assert "computes gradients itself" in OfTraces().obstacle
    assert OnlyTraces().obstacle is None
    assert OfTraces().evidence_bound is None
    assert Trace_ELBO().obstacle is None
    assert Trace_ELBO().evidence_bound is not None


def test_the_first_step_of_the_old_tutorial():
    """A loss, differentiated by hand, with the parameters that it has read."""
    loss_fn = Trace_ELBO().differentiable_loss
    with poutine.trace(param_only=True) as param_capture:
        loss = loss_fn(model, guide)
    params = {site["value"].unconstrained() for site in param_capture.trace.nodes.values()}
    optimizer = torch.optim.SGD(params, lr=0.1)
    before = pyro.param("q_loc").item()
    loss.backward()
    optimizer.step()
    assert len(params) == 2
    assert pyro.param("q_loc").item() != before
