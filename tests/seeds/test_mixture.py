"""The thread's Gaussian mixture: its blocks, and what it says of them."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import constraints

import virgil as pyro
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import MismatchError, ParamError, VirgilError
from virgil.infer import SVI, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoDelta

# the thread spells plates as iarange, which warns
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore:iarange is the former name:DeprecationWarning")]

K = 2  # the thread's model leaves K and the data open
DATA = torch.tensor([0.0, 1.0, 10.0, 11.0, 12.0])


# as in the thread, indentation restored
@config_enumerate(default='parallel')  # fmt: skip
def model(data):
    # Global variables.
    weights = pyro.sample("weights", dist.Dirichlet(0.5 * torch.ones(K)))
    scale = pyro.sample("scale", dist.LogNormal(0.0, 2.0))
    with pyro.iarange("components", K):
        locs = pyro.sample("locs", dist.Normal(0.0, 10.0))

    with pyro.iarange("data", len(data)):
        # Local variables.
        assignment = pyro.sample("assignment", dist.Categorical(weights))
        pyro.sample("obs", dist.Normal(locs[assignment], scale), obs=data)


def auto_guide():
    """The thread's line, in a function so that each test has its own."""
    global_guide = AutoDelta(poutine.block(model, expose=["weights", "locs", "scale"]))
    return global_guide  # noqa: RET504 - the thread's line ends above


def full_guide_of(global_guide):
    @config_enumerate(default="parallel")
    def full_guide(data):
        # Global variables.
        with poutine.block(hide_types=["param"]):  # Keep our learned values of global parameters.
            global_guide(data)

        # Local variables.
        with pyro.iarange("data", len(data)):
            assignment_probs = pyro.param(
                "assignment_probs", torch.ones(len(data), K) / K, constraint=constraints.unit_interval
            )
            pyro.sample("assignment", dist.Categorical(assignment_probs))

    return full_guide


# the reply's "this can be equivalently written as", with its dots filled in
STARTS = {"weights": torch.tensor([0.4, 0.6]), "locs": torch.tensor([2.0, 8.0]), "scale": torch.tensor(1.5)}


def guide(data):
    auto_weights = pyro.param("auto_weights", STARTS["weights"], constraint=constraints.simplex)
    pyro.sample("weights", dist.Delta(auto_weights, event_dim=1))
    # ... and similarly for `locs` and `scale`
    auto_scale = pyro.param("auto_scale", STARTS["scale"], constraint=constraints.positive)
    pyro.sample("scale", dist.Delta(auto_scale))
    auto_locs = pyro.param("auto_locs", STARTS["locs"])
    with pyro.iarange("components", K):
        pyro.sample("locs", dist.Delta(auto_locs))


def guide_with_assignment(data):
    """The later post's guide, its ``weights`` outside of the plate ``components``."""
    guide(data)
    with pyro.iarange("data", len(data)):
        pyro.sample("assignment", dist.Categorical(pyro.param("auto_weights")), infer={"enumerate": "parallel"})


def fit(guide, steps):
    optim = pyro.optim.Adam({"lr": 0.1, "betas": [0.8, 0.99]})
    elbo = TraceEnum_ELBO(max_plate_nesting=1)
    return SVI(model, guide, optim, loss=elbo).run(steps, DATA)


def memberships(values):
    """The posterior of each assignment, by Bayes' rule. Shape: ``(data, K)``."""
    log_joint = values["weights"].log() + torch.distributions.Normal(values["locs"], values["scale"]).log_prob(
        DATA[:, None]
    )
    return log_joint.softmax(-1)


def divergence(probs, values):
    """What the bound loses by an assignment of these probabilities, nats."""
    probs = probs.expand(len(DATA), K)
    return (probs * (probs.log() - memberships(values).log())).sum()


def started():
    return AutoDelta(
        poutine.block(model, expose=["weights", "locs", "scale"]), init_loc_fn=lambda site: STARTS[site["name"]]
    )


def test_iarange_is_deprecated():
    with pytest.warns(DeprecationWarning, match="Write plate instead"), pyro.iarange("data", 3):
        pass


def test_the_svi_of_the_thread_runs_with_assignment_in_the_model_alone():
    result = fit(auto_guide(), 50)
    assert torch.isfinite(result.losses).all()
    assert result.losses[-1] < result.losses[0]
    assert set(result.gradient_norms) == {"AutoDelta.weights", "AutoDelta.locs", "AutoDelta.scale"}


def test_assignment_is_summed_out_and_not_taken_from_the_model():
    """The loss is minus the log of the sum over both components, with the priors at the guide's point."""
    values = {name: value.double() for name, value in STARTS.items()}
    components = torch.distributions.Normal(values["locs"], values["scale"]).log_prob(DATA.double()[:, None])
    expected = (
        (values["weights"].log() + components).logsumexp(-1).sum()
        + torch.distributions.Dirichlet(0.5 * torch.ones(K).double()).log_prob(values["weights"])
        + torch.distributions.LogNormal(0.0, 2.0).log_prob(values["scale"])
        + torch.distributions.Normal(0.0, 10.0).log_prob(values["locs"]).sum()
    )
    loss = TraceEnum_ELBO(max_plate_nesting=1).loss(model, guide, DATA)
    assert loss == pytest.approx(-expected.item(), rel=1e-5)


def test_auto_delta_equals_the_guide_written_by_hand():
    by_hand = fit(guide, 30)
    automatic = fit(started(), 30)
    torch.testing.assert_close(automatic.losses, by_hand.losses)
    for name in STARTS:
        torch.testing.assert_close(automatic.params[f"AutoDelta.{name}"], by_hand.params[f"auto_{name}"])
        torch.testing.assert_close(
            automatic.gradient_norms[f"AutoDelta.{name}"],
            by_hand.gradient_norms[f"auto_{name}"],
            rtol=1e-4,
            atol=1e-4,
        )


def test_auto_delta_returns_its_values_by_name():
    returned = started()(DATA)
    assert set(returned) == {"weights", "locs", "scale"}
    for name, value in returned.items():
        torch.testing.assert_close(value.detach(), STARTS[name])


def test_the_full_guide_loses_the_divergence_of_its_assignment():
    elbo = TraceEnum_ELBO(max_plate_nesting=1)
    global_guide = started()
    bound = elbo.loss(model, global_guide, DATA)
    loss = elbo.loss(model, full_guide_of(global_guide), DATA)
    assert loss - bound == pytest.approx(divergence(torch.ones(K) / K, STARTS).item(), rel=1e-4)


def test_the_full_guide_keeps_the_global_values_and_learns_the_memberships():
    global_guide = auto_guide()
    fit(global_guide, 100)
    before = {name: value.detach().clone() for name, value in global_guide(DATA).items()}
    result = fit(full_guide_of(global_guide), 300)
    assert set(result.gradient_norms) == {"assignment_probs"}
    for name, value in global_guide(DATA).items():
        assert torch.equal(value.detach(), before[name])
    probs = result.params["assignment_probs"]  # each in the unit interval; Categorical makes them sum to 1
    torch.testing.assert_close(probs / probs.sum(-1, keepdim=True), memberships(before), atol=0.02, rtol=0)


def test_without_the_global_guide_is_an_error_that_names_the_first_site():
    with pytest.raises(MismatchError, match="'weights' is latent in the model.*but missing in the guide"):
        fit(full_guide_of(lambda data: None), 1)


def test_without_the_global_guide_is_an_error_that_names_every_site():
    with pytest.raises(MismatchError) as caught:
        fit(full_guide_of(lambda data: None), 1)
    assert all(repr(name) in str(caught.value) for name in STARTS)


def test_assignment_in_the_guide_changes_the_bound_and_the_gradients():
    """By exactly the divergence of the guide's assignment from the posterior's, and by its gradient."""
    elbo = TraceEnum_ELBO(max_plate_nesting=1)
    guide(DATA)  # makes the parameters
    leaves = [pyro.param(f"auto_{name}").unconstrained() for name in STARTS]
    losses = [elbo.differentiable_loss(model, each, DATA) for each in (guide, guide_with_assignment)]
    values = {name: pyro.param(f"auto_{name}") for name in STARTS}
    expected = divergence(values["weights"], values)
    assert expected > 10.0, "not a trifle"
    torch.testing.assert_close(losses[1] - losses[0], expected, rtol=1e-4, atol=1e-4)
    without, with_it, of_gap = (torch.autograd.grad(each, leaves, retain_graph=True) for each in (*losses, expected))
    for first, second, gap in zip(without, with_it, of_gap, strict=True):
        torch.testing.assert_close(second - first, gap, rtol=1e-3, atol=1e-3)
        assert gap.abs().max() > 0.1


def test_with_assignment_in_the_guide_the_components_collapse_into_one():
    """The thread's "seemingly incorrect results": that guide gives every datum the same probabilities."""
    without = fit(guide, 300).params
    pyro.clear_param_store()
    with_it = fit(guide_with_assignment, 300).params
    # two components, of two and of three data: the mode of Dirichlet(0.5 + counts) is (1.5, 2.5) / 4
    torch.testing.assert_close(without["auto_weights"], torch.tensor([0.375, 0.625]), atol=0.03, rtol=0)
    assert with_it["auto_weights"].max() > 0.95


# the later post's guide, indentation restored
@config_enumerate(default='parallel')  # fmt: skip
def global_guide(data):
    auto_weights = pyro.param("auto_weights")  # 0.5*torch.ones(K))
    auto_locs = pyro.param("auto_locs")  # , 0.15*torch.ones(K))
    auto_scale = pyro.param("auto_scale")  # , 0.2*torch.ones(1))

    pyro.sample("scale", dist.Delta(auto_scale))

    with pyro.iarange("components", K):
        locs = pyro.sample("locs", dist.Delta(auto_locs))  # , event_dim=1))  # noqa: F841
        weights = pyro.sample("weights", dist.Delta(auto_weights))

    with pyro.iarange("data", len(data)):
        # Local variables.
        # The presence or absence of the following line impacts the Gradient Norms during SVI.
        assignment = pyro.sample("assignment", dist.Categorical(weights))  # noqa: F841


def test_the_later_posts_guide_needs_its_parameters_first():
    with pytest.raises(ParamError, match="'auto_weights'"):
        fit(global_guide, 1)


def test_the_later_posts_guide_has_the_weights_in_a_plate_where_the_model_has_one_simplex():
    guide(DATA)  # makes the parameters
    with pytest.raises(VirgilError, match="'weights'"):
        fit(global_guide, 1)
