"""What a run cannot learn is said at its first step; what it means to leave alone is not."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.infer.checks.asking import heard, says
from virgil import poutine
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO

ONE = torch.tensor([1.0])
net = nn.Linear(1, 1)
frozen = nn.Linear(1, 1).requires_grad_(False)
two_heads = nn.ModuleDict({"used": nn.Linear(1, 1), "unused": nn.Linear(1, 1)})
loose = torch.zeros((), requires_grad=True)


def loc(name="loc"):
    return virgil.param(name, torch.tensor(0.5))


def model():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(1.0))


def discrete_model():
    z = virgil.sample("z", dist.Bernoulli(0.5))
    virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(1.0))


def learning_model():
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    virgil.sample("x", dist.Normal(loc("slope") * z, 1.0), obs=torch.tensor(1.0))


def normal(value):
    return virgil.sample("z", dist.Normal(value, 1.0))


def guide():
    normal(loc())


def registered():
    virgil.module("net", net)
    normal(net(ONE)[0])


def heads():
    virgil.module("heads", two_heads)
    normal(two_heads["used"](ONE)[0])


def under_no_grad():
    with torch.no_grad():
        normal(loc())


def draws_only():
    """A distribution that draws by ``sample`` what it says it can draw by ``rsample``."""

    class Careless(dist.Normal):
        def rsample(self, sample_shape=()):
            return self.sample(sample_shape)

    virgil.sample("z", Careless(loc(), 1.0))


NO_GRADIENT = "gets no gradient: no log-probability"
WRONG = {  # name: model, guide, severity, what the message says
    "detached": (model, lambda: normal(loc().detach()), "warning", [f"Parameter 'loc' {NO_GRADIENT}"]),
    "one of two detached": (
        model,
        lambda: virgil.sample("z", dist.Normal(loc(), loc("scale").item())),
        "warning",
        [f"Parameter 'scale' {NO_GRADIENT}"],
    ),
    "never used": (model, lambda: (guide(), loc("spare")), "warning", [f"Parameter 'spare' {NO_GRADIENT}"]),
    "never used in the model": (
        lambda: (model(), loc("spare")),
        guide,
        "warning",
        [f"Parameter 'spare' {NO_GRADIENT}"],
    ),
    "a whole network detached": (
        model,
        lambda: (virgil.module("net", net), normal(net(ONE)[0].detach())),
        "warning",
        ["The parameters of module 'net' get no gradient"],
    ),
    "a network that is not registered": (
        model,
        lambda: normal(net(ONE)[0]),
        "warning",
        ["depend on tensor 'net.weight', of shape (1, 1)", "virgil.module('net', ...)", "requires_grad_(False)"],
    ),
    "a tensor that is no parameter": (
        model,
        lambda: normal(loose),
        "warning",
        ["depend on tensor 'loose', of shape ()", "virgil.param"],
    ),
    "drawn under no_grad": (
        model,
        under_no_grad,
        "error",
        ["MismatchError: At site 'z', the guide's Normal", "carries no gradient", "torch.no_grad()"],
    ),
    "drawn without rsample": (model, draws_only, "error", ["the guide's Careless", "carries no gradient"]),
}
FINE = {
    "learnt": (model, guide),
    "a point": (model, lambda: virgil.sample("z", dist.Delta(loc()))),
    "fixed": (model, lambda: normal(0.0)),
    "the model learns": (learning_model, lambda: normal(0.0)),
    "both learn": (learning_model, guide),
    "registered": (model, registered),
    "one of two heads": (model, heads),
    "frozen, not registered": (model, lambda: normal(loc() + frozen(ONE)[0])),
    "held fixed by block": (model, poutine.block(guide, hide_types=["param"])),
    "by score function": (discrete_model, lambda: virgil.sample("z", dist.Bernoulli(logits=loc()))),
    "nothing latent": (lambda: virgil.sample("x", dist.Normal(loc(), 1.0), obs=torch.tensor(1.0)), lambda: None),
    "detached in one place": (model, lambda: virgil.sample("z", dist.Normal(loc(), 1.0 + loc().detach()))),
    "a factor": (model, lambda: (guide(), virgil.factor("f", loc(), has_rsample=True))),
    "summed out": (
        lambda: virgil.sample("z", dist.Bernoulli(logits=loc()), infer={"enumerate": "parallel"}),
        lambda: None,
    ),
    "auxiliary alone": (
        lambda: virgil.sample("x", dist.Normal(loc(), 1.0), obs=torch.tensor(1.0)),
        lambda: virgil.sample("u", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True}),
    ),
}


@pytest.mark.parametrize(("model", "guide", "severity", "parts"), WRONG.values(), ids=WRONG)
def test_what_is_not_learnt_is_said(model, guide, severity, parts):
    says(heard(model, guide, steps=2), severity, *parts)


@pytest.mark.parametrize(("model", "guide"), FINE.values(), ids=FINE)
def test_what_is_learnt_or_means_to_stay_hears_nothing(model, guide):
    assert heard(model, guide, loss=TraceEnum_ELBO(strict_enumeration_warning=False), steps=2).severity == ""
    if not any(site.infer.get("enumerate") for site in poutine.trace(model).get_trace().nodes.values()):
        assert heard(model, guide, steps=2).severity == ""


@pytest.mark.parametrize(
    ("model", "more"), [(model, ", and neither has the model"), (learning_model, "")], ids=["nobody", "the model"]
)
def test_a_fixed_guide_is_noted_in_a_report(model, more):
    (note,) = virgil.explain(model, lambda: normal(0.0)).problems
    assert (note.severity, note.site) == ("note", "z")
    assert note.cause.startswith(f"The guide has no parameter{more}: it draws 'z' from a distribution that no step")
    assert not virgil.explain(model, guide).problems


@pytest.mark.parametrize(("model", "guide", "severity", "parts"), WRONG.values(), ids=WRONG)
def test_a_report_says_the_same(model, guide, severity, parts):
    problems = virgil.explain(model, guide).problems
    assert any(severity == each.severity and parts[-1] in each.message for each in problems)


def test_arguments_may_ask_for_gradients():
    def of_argument(x):
        normal(loc() + x)

    assert heard(lambda x: model(), of_argument, torch.tensor(1.0, requires_grad=True)).severity == ""


def test_an_objective_alone_learns_nothing_and_asks_nothing():
    assert torch.isfinite(Trace_ELBO().differentiable_loss(model, lambda: normal(loose)))


def test_evaluating_first_hides_nothing():
    svi = SVI(model, lambda: normal(loc().detach()), virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())
    svi.evaluate_loss()
    with pytest.warns(virgil.errors.FitWarning, match="Parameter 'loc' gets no gradient"):
        svi.step()
    svi.step()  # and it is said once


@pytest.mark.parametrize(("guide", "expected"), [(guide, 5.0), (draws_only, 0.0)])
def test_a_draw_without_its_gradient_biases_the_bounds(guide, expected):
    """The reason for the error: at loc = 3 the loss (loc^2 + (loc - 1)^2) / 2 has derivative 5, of which only the
    expectation of z - loc, zero, is left where the draw has no gradient."""
    virgil.enable_validation(False)
    with virgil.ParamStore() as store:
        store.get_param("loc", torch.tensor(3.0))
        Trace_ELBO(num_particles=2500, vectorize_particles=True).loss_and_grads(model, guide)
        slope = float(store.unconstrained("loc").grad)
    # A draw's derivative has standard deviation at most 2, so the mean of 2500 is off by 5 of its own, 0.2, with
    # probability below 1e-6.
    assert abs(slope - expected) < 0.2
