"""Parameters of earlier data or of another model, and objectives that serve several models."""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.checks.asking import heard, says
from virgil.distributions import constraints
from virgil.errors import ArgumentError, ParamError, VirgilError
from virgil.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoMultivariateNormal, AutoNormal

EARLIER, LATER = torch.linspace(-1.0, 1.0, 6), torch.linspace(-1.0, 1.0, 4)


def by_plate(data):
    with virgil.plate("data", len(data)):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=data)


def by_event(data):
    z = virgil.sample("z", dist.Normal(torch.zeros(len(data)), 1.0).to_event(1))
    virgil.sample("x", dist.Normal(z, 1.0).to_event(1), obs=data)


def shared(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def shared_guide(data):
    virgil.sample("mu", dist.Normal(virgil.param("mu_loc", torch.tensor(0.0)), 1.0))


def plate_guide(init):
    def guide(data):
        with virgil.plate("data", len(data)):
            virgil.sample("z", dist.Normal(virgil.param("loc", init(data)), 1.0))

    return guide


def event_guide(init):
    def guide(data):
        virgil.sample("z", dist.Normal(virgil.param("loc", init(data)), 1.0).to_event(1))

    return guide


def zeros(data):
    return torch.zeros(len(data))


def lazily(data):
    return lambda: torch.zeros(len(data))


STALE = [
    "ParamError: Parameter 'loc' is in the store with shape (6,)",
    "would now make it with shape (4,)",
    "del store",
]
DECLARED = ["ParamError: Parameter 'loc' was declared with shape (4,), but the store holds it with shape (6,)"]
MADE = ["MismatchError: At site 'z'", "for event shape (6,), that of its first call", "has (4,) in this one"]
WRONG = {  # name: model, guide, and what the second call says
    "in a plate": (by_plate, lambda: plate_guide(zeros), DECLARED),
    "in a plate, made by a function": (by_plate, lambda: plate_guide(lazily), STALE),
    "of an event": (by_event, lambda: event_guide(zeros), DECLARED),
    "of an event, made by a function": (by_event, lambda: event_guide(lazily), STALE),
    "automatic, in a plate": (
        by_plate,
        lambda: AutoNormal(by_plate),
        ["MismatchError: Plate 'data' has size 4 in this call, but had 6 when the guide was made"],
    ),
    **{
        f"automatic, of an event: {family.__name__}": (by_event, lambda family=family: family(by_event), MADE)
        for family in (AutoNormal, AutoDelta, AutoDiagonalNormal, AutoMultivariateNormal)
    },
}
FINE = {
    "shared": (shared, lambda: shared_guide),
    "automatic, shared": (shared, lambda: AutoNormal(shared)),
    "as large as the data at once": (
        by_plate,
        lambda: plate_guide(lambda data: lambda: torch.zeros(1)),
    ),
}


@pytest.mark.parametrize(("model", "guide", "parts"), WRONG.values(), ids=WRONG)
def test_a_guide_called_with_data_of_another_size(model, guide, parts):
    svi = SVI(model, guide(), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
    svi.step(EARLIER)
    with pytest.raises(VirgilError) as caught:
        svi.step(LATER)
    message = f"{type(caught.value).__name__}: {caught.value}"
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(("model", "guide"), FINE.values(), ids=FINE)
def test_a_guide_that_does_not_depend_on_the_size_takes_any(model, guide):
    svi = SVI(model, guide(), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
    assert all(math.isfinite(svi.step(data)) for data in (EARLIER, LATER, EARLIER))


@pytest.mark.parametrize(("init", "parts"), [(zeros, DECLARED), (lazily, STALE)])
def test_stale_parameters_of_another_model_in_the_store(init, parts):
    SVI(by_event, event_guide(zeros), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO()).step(EARLIER)
    other = SVI(by_event, event_guide(init), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
    with pytest.raises(ParamError) as caught:
        other.step(LATER)
    assert all(part.removeprefix("ParamError: ") in str(caught.value) for part in parts)


def test_a_parameter_used_again_with_another_constraint():
    def again(data):
        virgil.sample("z", dist.Normal(virgil.param("loc", zeros(data) + 1, constraint=constraints.positive), 1.0))

    SVI(by_event, event_guide(zeros), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO()).step(EARLIER)
    with pytest.raises(ParamError, match=r"'loc' was declared with the constraint .* but the store holds it with"):
        SVI(by_event, again, virgil.optim.SGD({"lr": 0.01}), Trace_ELBO()).step(EARLIER)


def test_parameters_that_another_fit_has_left_are_taken_up_and_others_left_alone():
    virgil.param("of nobody", torch.zeros(2))
    for _ in range(2):
        svi = SVI(by_event, event_guide(lazily), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
        assert math.isfinite(svi.step(EARLIER))


def test_a_function_that_makes_an_initial_value_is_not_called_again_where_shapes_fit():
    calls = []

    def counted(data):
        return lambda: (calls.append(1), torch.zeros(len(data)))[1]

    svi = SVI(by_event, event_guide(counted), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
    for _ in range(3):
        svi.step(EARLIER)
    assert len(calls) == 2  # in the dry run, whose parameters are discarded, and in the step


# Objectives


def test_an_objective_is_an_instance():
    with pytest.raises(ArgumentError, match=r"loss=Trace_ELBO, a class; it takes an instance. Write Trace_ELBO\(\)"):
        SVI(shared, shared_guide, virgil.optim.SGD({"lr": 0.01}), Trace_ELBO)


def test_a_guide_of_another_signature():
    found = heard(shared, lambda: None, EARLIER)
    says(found, "error", "MismatchError: The guide <lambda>() cannot be called with 1 positional argument")


def test_one_objective_may_serve_several_models():
    """What it knows of one pair of programs does not touch another: losses are those of an objective of its own."""
    pairs = [(shared, shared_guide), (by_plate, plate_guide(lazily)), (by_event, AutoNormal(by_event))]

    def losses(objectives):
        virgil.set_rng_seed(1)
        with virgil.ParamStore():
            svis = [
                SVI(model, guide, virgil.optim.SGD({"lr": 0.01}), objective)
                for (model, guide), objective in zip(pairs, objectives, strict=True)
                if not isinstance(guide, AutoNormal) or guide.reset_parameters() is None
            ]
            return [svi.step(EARLIER) for _ in range(3) for svi in svis]

    one = Trace_ELBO()
    assert losses([one] * 3) == losses([Trace_ELBO() for _ in pairs])


# A guide that is not mean-field, for an objective that takes divergences in closed form


def _two(first, second, slope):
    """Normal ``first``, and ``second`` around ``slope`` times it."""

    def program():
        z = virgil.sample(first, dist.Normal(0.3, 1.2))
        virgil.sample(second, dist.Normal(slope() * z, 0.8))

    return program


def _learnt():
    return virgil.param("slope", torch.tensor(0.7))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")], ids=["the model's order", "the other order"])
def test_closed_form_divergences_are_right_for_a_guide_with_dependences(order):
    """The expectation is that of the plain objective, and so is its gradient.

    With ``m = (0.3, 0.3 slope)`` and covariances of the two linear chains, the bound of a model without data is minus
    the divergence of two bivariate normals, which torch has in closed form.
    """
    model, guide = _two("a", "b", lambda: 0.5), _two(*order, _learnt)

    def joint(slope, names):
        scales = torch.tensor([1.2, 0.8])
        lower = torch.stack([torch.stack([torch.ones(()), torch.zeros(())]), torch.stack([slope, torch.ones(())])])
        places = [names.index("a"), names.index("b")]
        factor = (lower * scales)[places]
        mean = torch.stack([torch.tensor(0.3), 0.3 * slope])[places]
        return torch.distributions.MultivariateNormal(mean, factor @ factor.T)

    slope = torch.tensor(0.7, requires_grad=True)
    exact = torch.distributions.kl_divergence(joint(slope, list(order)), joint(torch.tensor(0.5), ["a", "b"]))
    (derivative,) = torch.autograd.grad(exact, slope)
    with virgil.ParamStore() as store:
        loss = TraceMeanField_ELBO(num_particles=40_000, vectorize_particles=True).loss_and_grads(model, guide)
        gradient = float(store.unconstrained("slope").grad)
    # A particle's loss and derivative have standard deviations below 4 and 8, so that five deviations of the mean,
    # passed with probability below 1e-6, are 0.1 and 0.2.
    assert abs(loss - float(exact.detach())) < 0.1
    assert abs(gradient - float(derivative)) < 0.2
