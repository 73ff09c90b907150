"""Discrete mean-field guides: the best bound on a posterior that factorises, plates, states and refusals."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import MismatchError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import AutoDelta, AutoDiscreteParallel, AutoGuideList

WEIGHTS = torch.tensor([0.2, 0.3, 0.5])
MEANS = torch.tensor([-1.0, 0.0, 2.0])
DATA = torch.tensor([-1.2, 0.4, 1.5, 2.5])


def mixture(size=None):
    with virgil.plate("data", 4, subsample_size=size) as indices:
        z = virgil.sample("z", dist.Categorical(WEIGHTS))
        virgil.sample("x", dist.Normal(MEANS[z], 1.0), obs=DATA[indices])


def posterior():
    joint = WEIGHTS.log() + dist.Normal(MEANS, 1.0).log_prob(DATA.unsqueeze(-1))
    return joint.softmax(-1), joint.logsumexp(-1).sum()


def set_to(guide, probs):
    guide()
    with torch.no_grad():
        guide._parameters["z_probs"].copy_(probs.log())


def test_the_gap_is_zero_at_the_posterior():
    guide = AutoDiscreteParallel(mixture)
    probs, evidence = posterior()
    set_to(guide, probs)
    loss = TraceEnum_ELBO().differentiable_loss(mixture, guide)
    torch.testing.assert_close(-loss, evidence)
    torch.testing.assert_close(
        -Trace_ELBO(strict_enumeration_warning=False).differentiable_loss(mixture, guide), evidence
    )  # at every draw
    many = TraceEnum_ELBO(num_particles=3, vectorize_particles=True).differentiable_loss(mixture, guide)
    torch.testing.assert_close(-many, evidence)


def test_a_fit_reaches_the_posterior():
    guide = AutoDiscreteParallel(mixture)
    SVI(mixture, guide, virgil.optim.Adam({"lr": 0.1}), TraceEnum_ELBO()).run(200, progress=False)
    torch.testing.assert_close(guide.z_probs.detach(), posterior()[0], atol=0.01, rtol=0.0)


def test_parameters_begin_at_the_prior_and_cover_the_whole_plate():
    guide = AutoDiscreteParallel(mixture)
    assert guide(2)["z"].shape == (2,)
    torch.testing.assert_close(guide.z_probs.detach(), WEIGHTS.expand(4, 3))
    site = poutine.trace(guide).get_trace(2).nodes["z"]
    assert site.infer["enumerate"] == "parallel"
    torch.testing.assert_close(TraceEnum_ELBO().differentiable_loss(mixture, guide, 2).isfinite(), torch.tensor(True))


@pytest.mark.parametrize(
    ("fn", "shape", "median"),
    [
        (dist.Bernoulli(torch.tensor(0.7)), (), 1.0),
        (dist.Categorical(torch.tensor([0.4, 0.3, 0.3])), (3,), 1),
        (dist.OneHotCategorical(torch.tensor([0.4, 0.3, 0.3])), (3,), [0.0, 1.0, 0.0]),
    ],
)
def test_each_family(fn, shape, median):
    guide = AutoDiscreteParallel(lambda: virgil.sample("z", fn))
    value = guide()["z"]
    assert value.shape == fn.event_shape
    assert guide.z_probs.shape == shape
    assert torch.equal(guide.median()["z"], torch.tensor(median))
    torch.testing.assert_close(poutine.trace(guide).get_trace().nodes["z"].fn.probs.detach(), fn.probs)


def test_states_come_back_before_and_after_the_first_call():
    guide = AutoDiscreteParallel(mixture)
    set_to(guide, posterior()[0])
    for is_set_up in (False, True):
        other = AutoDiscreteParallel(mixture)
        if is_set_up:
            other()
        other.load_state_dict(guide.state_dict())
        other()
        assert torch.equal(other.z_probs, guide.z_probs)


def test_another_family_is_refused_by_name_and_goes_beside_it():
    def model():
        mean = virgil.sample("mean", dist.Normal(0.0, 1.0))
        z = virgil.sample("z", dist.Bernoulli(0.5))
        virgil.sample("x", dist.Normal(mean + z, 1.0), obs=torch.tensor(1.0))

    with pytest.raises(MismatchError, match="'mean' is Normal"):
        AutoDiscreteParallel(model)()
    guide = AutoGuideList(model).append(AutoDelta(poutine.block(model, expose=["mean"])))
    guide.append(AutoDiscreteParallel(poutine.block(model, expose=["z"])))
    fit = SVI(model, guide, virgil.optim.Adam({"lr": 0.05}), TraceEnum_ELBO()).run(3, progress=False)
    assert bool(fit.losses.isfinite().all())


def test_probabilities_have_no_quantiles():
    with pytest.raises(NotImplementedError, match=r"AutoDiscreteParallel has no quantiles\(\)"):
        AutoDiscreteParallel(mixture).quantiles([0.5])
