"""``settings.set(mismatch="warn")``: programs whose mismatch has one meaning are warned of, and compute just that."""

import math
import threading

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.pairs.plated import DATA, leaf, local_guide, local_model
from virgil import settings
from virgil.distributions import constraints
from virgil.errors import ArgumentError, FitWarning, MismatchError
from virgil.infer import (
    ELBO,
    SVI,
    Predictive,
    Trace_ELBO,
    TraceEnum_ELBO,
    TraceMeanField_ELBO,
    config_enumerate,
)
from virgil.infer.density.draws_at_once import joint_of
from virgil.infer.density.execution import Call
from virgil.infer.warn import collecting_warnings

X = torch.tensor(1.1)
KINDS = [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO]
PARTICLES = [{}, {"num_particles": 3}, {"num_particles": 3, "vectorize_particles": False}]


@pytest.fixture(autouse=True)
def _warn():
    settings.set(mismatch="warn")


def _objective(kind, **options):
    return kind(strict_enumeration_warning=False, **options)


def _slope(name, value=0.3):
    return virgil.param(name, torch.tensor(value))


def of_continuous():
    z = virgil.sample("z", dist.Normal(_slope("loc"), 1.0))
    with virgil.plate("data", 4, subsample_size=2) as indices:
        local = virgil.sample("local", dist.Normal(z, 2.0))
        virgil.sample("x", dist.Normal(local, 1.0), obs=DATA[indices])


def prior_of_continuous():
    z = virgil.sample("z", dist.Normal(_slope("loc"), 1.0))
    with virgil.plate("data", 4, subsample_size=2):
        virgil.sample("local", dist.Normal(z, 2.0))


def of_discrete():
    with virgil.plate("data", 4):
        k = virgil.sample("k", dist.Bernoulli(logits=_slope("logit")))
        virgil.sample("x", dist.Normal(k * _slope("size"), 1.0), obs=DATA)


def prior_of_discrete():
    with virgil.plate("data", 4):
        virgil.sample("k", dist.Bernoulli(logits=_slope("logit")))


def of_constrained():
    scale = virgil.sample("scale", dist.Gamma(2.0, virgil.param("rate", X, constraint=constraints.positive)))
    virgil.sample("x", dist.Normal(0.0, scale), obs=X)


def prior_of_constrained():
    virgil.sample("scale", dist.Gamma(2.0, virgil.param("rate", X, constraint=constraints.positive)))


def nothing():
    pass


PRIORS = {
    "continuous, in a plate that takes mini-batches": (of_continuous, prior_of_continuous),
    "discrete": (of_discrete, prior_of_discrete),
    "constrained": (of_constrained, prior_of_constrained),
}


def _loss_and_slopes(model, guide, objective):
    virgil.set_rng_seed(3)
    loss = objective.differentiable_loss(model, guide)
    store = virgil.get_param_store()
    leaves = {name: store[name].unconstrained() for name in store}
    slopes = torch.autograd.grad(loss, list(leaves.values()))
    return {"loss": loss.detach(), **dict(zip(leaves, slopes, strict=True))}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", PARTICLES)
@pytest.mark.parametrize(("model", "prior"), PRIORS.values(), ids=PRIORS)
def test_a_missing_variable_is_one_that_the_guide_draws_from_its_prior(kind, options, model, prior):
    """On the same noise, the loss and its gradient are those of a guide that states the model's distribution.

    The gradient of the discrete one has less noise: its log p and -log q are left out before they are differentiated.
    """
    with pytest.warns(FitWarning, match="drawn from the model's own distribution"):
        drawn = _loss_and_slopes(model, nothing, _objective(kind, **options))
    stated = _loss_and_slopes(model, prior, _objective(kind, **options))
    assert drawn.keys() == stated.keys()
    for name, value in stated.items() if model is not of_discrete else [("loss", stated["loss"])]:
        torch.testing.assert_close(drawn[name], value, msg=name)


def half():
    z = virgil.sample("z", dist.Normal(_slope("loc"), 1.0))
    w = virgil.sample("w", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(z + w, 1.0), obs=X)


def guide_of_half():
    virgil.sample("w", dist.Normal(leaf("m", 0.2), 0.7))


@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_is_that_of_closed_form(kind):
    """200 means of 500 particles, within 5 standard errors: a false alarm has probability 6e-7."""
    expected = -0.5 * math.log(2 * math.pi) - 0.5 * ((1.1 - 0.3 - 0.2) ** 2 + 1 + 0.49)
    expected -= 0.5 * (0.04 + 0.49 - 1) - math.log(0.7)
    objective = _objective(kind, num_particles=500)
    with pytest.warns(FitWarning, match="'z' is latent in the model.*but missing in the guide"):
        losses = torch.tensor([objective.loss(half, guide_of_half) for _ in range(200)])
    assert abs(float(losses.mean()) + expected) < 5 * float(losses.std()) / math.sqrt(200)


def test_a_missing_draw_without_a_pathwise_derivative_is_scored():
    """The gradient of the sum over both values, within 5 standard errors of 200 means: false alarm 6e-7."""

    def model():
        k = virgil.sample("k", dist.Bernoulli(logits=_slope("logit")))
        virgil.sample("x", dist.Normal(3 * k, 1.0), obs=X)

    objective = Trace_ELBO(num_particles=500)
    with pytest.warns(FitWarning, match="'k'"):
        objective.loss(model, nothing)
    slopes = []
    with collecting_warnings():
        for _ in range(200):
            loss = objective.differentiable_loss(model, nothing)
            slopes.append(torch.autograd.grad(loss, [virgil.param("logit").unconstrained()])[0])
    logs = dist.Normal(torch.tensor([0.0, 3.0]), 1.0).log_prob(X)
    share = torch.sigmoid(torch.tensor(0.3))
    expected = -float(share * (1 - share) * (logs[1] - logs[0]))
    found = torch.stack(slopes)
    assert abs(float(found.mean()) - expected) < 5 * float(found.std()) / math.sqrt(200)


def test_a_missing_variable_below_one_that_is_summed_out():
    """Drawn next to the location that each value has, so that the bound is the evidence of the mixture."""

    @config_enumerate
    def model():
        k = virgil.sample("k", dist.Categorical(torch.tensor([0.25, 0.75])))
        z = virgil.sample("z", dist.Normal(torch.tensor([-1.0, 1.0])[k], 1e-6))
        virgil.sample("x", dist.Normal(z, 1.0), obs=X)

    with pytest.warns(FitWarning, match="'z'"):
        loss = TraceEnum_ELBO().loss(model, nothing)
    logs = torch.tensor([0.25, 0.75]).log() + dist.Normal(torch.tensor([-1.0, 1.0]), 1.0).log_prob(X)
    assert loss == pytest.approx(-float(logs.logsumexp(0)), abs=1e-4)
    with pytest.warns(FitWarning, match="'z'"):
        marginal = TraceEnum_ELBO().compute_marginals(model, nothing)["k"]
    torch.testing.assert_close(marginal.probs, logs.softmax(0), atol=1e-4, rtol=0)
    with torch.no_grad():
        joint = joint_of(Call(model, nothing, (), {}), enumerates=True)
        with pytest.raises(ArgumentError, match="'z' is missing in the guide, and the model draws it below 'k'"):
            joint.log_weights(joint.run(4), 4)


@pytest.mark.long
def test_compiled_runs_have_it_too():
    losses = []
    for guide in (nothing, prior_of_continuous):
        virgil.set_rng_seed(5)
        with virgil.ParamStore():
            svi = SVI(of_continuous, guide, virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
            if guide is nothing:
                with pytest.warns(FitWarning, match="missing in the guide"):
                    losses.append(svi.run(20, engine="xla").losses)
            else:
                losses.append(svi.run(20, engine="xla").losses)
    torch.testing.assert_close(*losses)


def with_own(auxiliary):
    def guide():
        options = {"infer": {"is_auxiliary": True}} if auxiliary else {}
        with virgil.plate("of the guide", 2):
            u = virgil.sample("u", dist.Normal(_slope("loc"), 1.0), **options)
        virgil.sample("w", dist.Normal(u.sum(-1, keepdim=True), 1.0))

    return guide


def of_w():
    w = virgil.sample("w", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(w, 1.0), obs=X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", PARTICLES[:2])
def test_a_variable_of_the_guide_alone_counts_as_an_auxiliary_one(kind, options):
    with pytest.warns(FitWarning, match="'u' is in the guide but not in the model.*its -log q counts"):
        found = _loss_and_slopes(of_w, with_own(False), _objective(kind, **options))
    assert found == _loss_and_slopes(of_w, with_own(True), _objective(kind, **options))


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_keeps_its_data_where_the_guide_samples_them(kind):
    def guide(name):
        def run():
            virgil.sample("w", dist.Normal(_slope("loc"), 1.0))
            virgil.sample(name, dist.Normal(_slope("loc"), 2.0), infer={"is_auxiliary": name == "other"})

        return run

    with pytest.warns(FitWarning, match="'x' is observed in the model, .* the model keeps its data"):
        found = _loss_and_slopes(of_w, guide("x"), _objective(kind))
    assert found == _loss_and_slopes(of_w, guide("other"), _objective(kind))


def test_the_model_takes_the_mini_batch_of_the_guide():
    def model(size):
        return lambda: local_model(subsample_size=size)

    def guide():
        local_guide(subsample_size=3)

    losses = {}
    for size in (2, None):
        virgil.set_rng_seed(3)
        objective, program = Trace_ELBO(), model(size)
        if size:
            with pytest.warns(FitWarning, match=r"subsample_size=2 in the model.* The model takes the guide's 3"):
                losses[size] = objective.loss(program, guide)
        else:
            losses[size] = objective.loss(program, guide)
    assert losses[2] == losses[None]


def test_one_warning_names_all_that_are_missing():
    svi = SVI(of_continuous, nothing, virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
    with pytest.warns(FitWarning, match="'z' is latent.* Missing as well: 'local'") as caught:
        svi.run(3, engine="eager")
    assert len(caught) == 1


def test_a_report_has_a_warning():
    report = virgil.explain(of_continuous, nothing)
    assert [each.severity for each in report.problems if "missing in the guide" in each.message] == ["warning"]
    assert not report.errors


def test_draws_of_the_posterior_have_the_variable_from_the_model():
    draws = Predictive(half, guide=guide_of_half, num_samples=5)()
    assert draws["z"].shape == draws["w"].shape == (5,)


def test_the_importance_weights_of_a_fit_leave_it_out():
    """With the prior for a guide the log-weights are the log-likelihoods."""

    def model():
        z = virgil.sample("z", dist.Normal(leaf("loc", 0.0), 1e-3))
        virgil.sample("x", dist.Normal(z, 1.0), obs=X)

    with torch.no_grad():
        joint = joint_of(Call(model, nothing, (), {}), enumerates=False)
        log_weights = joint.log_weights(joint.run(200), 200)
    expected = float(dist.Normal(0.0, 1.0).log_prob(X))
    assert float(abs(log_weights - expected).max()) < 0.02


MEANINGLESS = {
    "another event shape": (
        lambda: virgil.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1)),
        lambda: virgil.sample("z", dist.Normal(torch.zeros(3), 1.0).to_event(1)),
    ),
    "an observation in the guide": (
        lambda: virgil.sample("z", dist.Normal(0.0, 1.0)),
        lambda: virgil.sample("z", dist.Normal(0.0, 1.0), obs=X),
    ),
    "a plate around the model's alone": (
        lambda: virgil.plate("data", 3)(virgil.sample)("z", dist.Normal(0.0, 1.0)),
        lambda: virgil.sample("z", dist.Normal(0.0, 1.0)),
    ),
}


@pytest.mark.parametrize(("model", "guide"), MEANINGLESS.values(), ids=MEANINGLESS)
def test_what_has_no_one_meaning_stays_an_error(model, guide):
    with pytest.raises(virgil.errors.VirgilError, match="'z'"):
        Trace_ELBO().loss(model, guide)


def test_other_threads_keep_theirs():
    settings.set(mismatch="error")
    entered, seen = threading.Event(), {}

    def inside():
        with settings.context(mismatch="warn"), collecting_warnings() as collected:
            entered.set()
            seen["loss"] = ELBO().loss(half, guide_of_half)
            seen["warned"] = len(collected)

    with virgil.ParamStore():
        thread = threading.Thread(target=inside)
        thread.start()
        entered.wait()
        with pytest.raises(MismatchError, match="'z' is latent in the model"):
            ELBO().loss(half, guide_of_half)
        thread.join()
    assert math.isfinite(seen["loss"])
    assert seen["warned"] == 1
