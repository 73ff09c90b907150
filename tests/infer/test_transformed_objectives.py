"""Objectives under torch's own transforms, and inference inside a model: the numbers are those without."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate

X = torch.tensor([0.5, -1.0, 2.0])


@config_enumerate
def model():
    w = virgil.sample("w", dist.Normal(0.0, 1.0))
    s = virgil.sample("s", dist.LogNormal(torch.zeros(2), 1.0).to_event(1))
    with virgil.plate("data", 3):
        k = virgil.sample("k", dist.Bernoulli(logits=w))
        virgil.sample("x", dist.Normal(k, s[..., :1]), obs=X)


def guide_of(theta):
    def guide():
        virgil.sample("w", dist.Normal(theta, 0.5))
        virgil.sample("s", dist.LogNormal(theta * torch.tensor([1.0, -0.5]), 0.3).to_event(1))

    return guide


def guide():
    guide_of(virgil.param("theta", torch.tensor(0.4), constraint=constraints.positive))()


def without_k(program):
    """The program with ``k`` at one."""
    return virgil.poutine.condition(program, data={"k": torch.ones(3)})


def seeded(loss, *args):
    virgil.set_rng_seed(5)
    return loss(*args)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's, of its own tracing
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")  # likewise
@pytest.mark.parametrize(
    "objective",
    [TraceEnum_ELBO, *(pytest.param(each, marks=pytest.mark.thorough) for each in (Trace_ELBO, TraceMeanField_ELBO))],
)
def test_a_compiled_loss_is_the_loss(objective):
    program = model if objective is TraceEnum_ELBO else without_k(model)
    elbo = objective()
    plain = seeded(elbo.differentiable_loss, program, guide)
    compiled = seeded(torch.compile(elbo.differentiable_loss, backend="eager"), program, guide)
    fresh = seeded(torch.compile(objective().differentiable_loss, backend="eager"), program, guide)
    (expected,) = torch.autograd.grad(plain, [virgil.get_param_store().unconstrained("theta")])
    for loss in (compiled, fresh):
        torch.testing.assert_close(loss, plain)
        (gradient,) = torch.autograd.grad(loss, [virgil.get_param_store().unconstrained("theta")])
        torch.testing.assert_close(gradient, expected)


def loss_of(objective):
    program = model if objective is TraceEnum_ELBO else without_k(model)
    return lambda theta: objective().differentiable_loss(program, guide_of(theta))


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO])
def test_the_gradient_by_torch_func_is_autograds(objective, validate):
    loss = loss_of(objective)
    theta = torch.tensor(0.3, requires_grad=True)
    with virgil.settings.context(validate=validate):
        expected_value = seeded(loss, theta)
        (expected,) = torch.autograd.grad(expected_value, [theta])
        gradient, value = seeded(torch.func.grad_and_value(loss), torch.tensor(0.3))
    torch.testing.assert_close(gradient.detach(), expected)
    torch.testing.assert_close(value.detach(), expected_value.detach())


@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO])
def test_the_loss_under_vmap_is_that_of_each(objective):
    """Values are not looked at, since no single one is there: checks are off."""
    thetas = torch.tensor([0.3, -0.2, 0.8])
    loss = loss_of(objective)
    with virgil.settings.context(validate=False):
        together = seeded(torch.func.vmap(loss, randomness="same"), thetas)
        apart = torch.stack([seeded(loss, theta) for theta in thetas])
    torch.testing.assert_close(together, apart)


def test_a_network_by_functional_call():
    network = torch.nn.Linear(3, 1)

    def loss(params):
        def amortised():
            virgil.sample("z", dist.Normal(torch.func.functional_call(network, params, (X,)).squeeze(-1), 0.5))

        def normal():
            virgil.sample("x", dist.Normal(virgil.sample("z", dist.Normal(0.0, 1.0)), 1.0), obs=X[0])

        return TraceMeanField_ELBO().differentiable_loss(normal, amortised)

    params = {name: each.detach() for name, each in network.named_parameters()}
    found = seeded(torch.func.grad(loss), params)
    leaves = {name: each.clone().requires_grad_() for name, each in params.items()}
    expected = torch.autograd.grad(seeded(loss, leaves), list(leaves.values()))
    for each, other in zip(found.values(), expected, strict=True):
        torch.testing.assert_close(each.detach(), other)


@pytest.mark.parametrize("own_store", [True, False])
def test_a_model_may_run_inference_of_its_own(own_store):
    """Its divergence from N(0, 1) is il^2 / 2, so a step of 0.1 multiplies il by 0.9; the outer fit sees il alone."""

    def inner_model():
        virgil.sample("iz", dist.Normal(0.0, 1.0))

    def inner_guide():
        virgil.sample("iz", dist.Normal(virgil.param("il", torch.tensor(0.5)), 1.0))

    def fitted():
        svi = SVI(inner_model, inner_guide, virgil.optim.SGD({"lr": 0.1}), TraceMeanField_ELBO())
        svi.step()
        svi.run(2, progress=False)
        return virgil.get_param_store()["il"].detach()

    def outer_model():
        if own_store:
            with virgil.ParamStore():
                loc = fitted()
        else:
            loc = fitted()
        found.append(loc.item())
        virgil.sample("x", dist.Normal(virgil.sample("z", dist.Normal(loc, 1.0)), 1.0), obs=X[0])

    def outer_guide():
        virgil.sample("z", dist.Normal(virgil.param("l", torch.tensor(0.3)), 1.0))

    found = []
    svi = SVI(outer_model, outer_guide, virgil.optim.SGD({"lr": 0.1}), TraceMeanField_ELBO())
    svi.step()
    assert found[-1] == pytest.approx(0.5 * 0.9**3, rel=1e-5)
    assert set(virgil.get_param_store()) == ({"l"} if own_store else {"l", "il"})
    trace = virgil.poutine.trace(outer_model).get_trace()
    assert set(trace.stochastic_nodes) == {"z"}


def test_a_model_may_run_inference_of_its_own_inside_a_plate():
    """The inner programs are not in the outer plate: their own plate has the same dim, and shapes are as without it."""
    data, shapes = torch.tensor([1.0, 2.0, 6.0]), []

    def inner_model():
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        with virgil.plate("rows", 3, dim=-1):
            virgil.sample("y", dist.Normal(mu, 1.0), obs=data)
        shapes.append(mu.shape)

    def inner_guide():
        virgil.sample("mu", dist.Delta(virgil.param("at", torch.tensor(0.0))))

    def outer_model():
        with virgil.plate("outer", 4):
            z = virgil.sample("z", dist.Normal(torch.zeros(4), 1.0))
            with virgil.ParamStore():
                SVI(inner_model, inner_guide, virgil.optim.SGD({"lr": 0.25}), Trace_ELBO()).step()
                at = virgil.get_param_store()["at"].detach()
            virgil.sample("x", dist.Normal(z, 1.0), obs=at.expand(4))

    trace = virgil.poutine.trace(outer_model).get_trace()
    assert (
        trace.nodes["x"]["value"].tolist() == [2.25] * 4
    )  # a quarter of the sum of the data: one step from the prior's mean
    assert set(shapes) == {torch.Size()}
    assert trace.stochastic_nodes == ["z"]
