"""A reparameteriser leaves the joint density of the program's variables what it was, wherever the variable stands.

What it states is here called the base. By the change of variables the density at the base is that of the program at the
variable times the volume change from the base to the variable; where the base has more numbers, the variable's density
is that of the draws.
"""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.laws.reparameterisers import DOUBLE, LOC, REPARAMETERISERS, SCALE
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import Predictive
from virgil.infer.autoguide import AutoDelta, init_to_value

MAPS = [name for name, row in REPARAMETERISERS.items() if row.is_map]
every_row = pytest.mark.parametrize("name", REPARAMETERISERS)
NO_MOMENTS = ("logistic normal", "projected normal", "relaxed labels", "transformed vectors")  # in closed form
DRAWS = 4000


def program(name, scale=1.0, size=3, loc=LOC, spread=SCALE):
    """A variable in a plate with a mini-batch, and data that depend on it."""
    row = REPARAMETERISERS[name]

    def model():
        with virgil.plate("slots", size, subsample=torch.arange(3)), poutine.scale(scale=scale):
            x = virgil.sample("x", row.fn(loc, spread))
            weighted = (torch.arange(1.0, 4.0) * x).sum(-1) if x.dim() > 1 else x
            virgil.sample("y", dist.Normal(weighted, torch.tensor(2.0, dtype=DOUBLE)), obs=torch.ones(3, dtype=DOUBLE))
        return x

    return model


def restated(name, **options):
    """The program with its variable restated, and the names of what is stated."""
    model = poutine.reparam(program(name, **options), config={"x": REPARAMETERISERS[name].reparam()})
    return model, poutine.trace(model).get_trace()


@pytest.mark.parametrize("name", MAPS)
def test_the_joint_density_changes_by_the_volume(name):
    """In a plate of 6 slots of which 3 are at hand, at a scale of a quarter: each slot counts a half."""
    model, trace = restated(name, scale=0.25, size=6)
    base = [trace.nodes[each] for each in trace.stochastic_nodes]
    point = torch.cat([site.value.flatten() for site in base]).detach()
    dependent = REPARAMETERISERS[name].dependent

    def run(flat):
        parts = flat.split([site.value.numel() for site in base])
        data = {site.name: part.reshape(site.value.shape) for site, part in zip(base, parts, strict=True)}
        return poutine.trace(poutine.condition(model, data=data)).get_trace()

    def variable(flat):
        x = run(flat).nodes["x"].value
        return (x[..., : x.shape[-1] - dependent] if dependent else x).flatten()

    jacobian = torch.autograd.functional.jacobian(variable, point)
    change = torch.linalg.slogdet(jacobian).logabsdet
    at_base = run(point)
    plain = poutine.condition(program(name, scale=0.25, size=6), data={"x": at_base.nodes["x"].value})
    expected = poutine.trace(plain).get_trace().log_prob_sum() + 0.5 * change
    torch.testing.assert_close(at_base.log_prob_sum(), expected, atol=1e-6, rtol=0)


@every_row
def test_what_is_stated_stands_where_the_variable_stands(name):
    _, trace = restated(name, scale=0.25, size=6)
    plain = poutine.trace(program(name, scale=0.25, size=6)).get_trace().nodes["x"]
    for each in trace.stochastic_nodes:
        assert trace.nodes[each].frames == plain.frames
        assert trace.nodes[each]["scale"] == plain["scale"] == 0.5


@every_row
def test_draws_have_the_mean_and_variance_of_the_variable(name):
    """To 5.5 standard errors of 4000 draws: less than one false alarm in 10,000 runs of all rows."""
    row = REPARAMETERISERS[name]
    fn = row.fn(LOC, SCALE)

    def model():
        with virgil.plate("draws", DRAWS, dim=-2), virgil.plate("slots", 3, dim=-1):
            return virgil.sample("x", fn)

    with torch.no_grad():
        x = poutine.reparam(model, config={"x": row.reparam()})()
    exact = fn.sample((200_000,)) if name in NO_MOMENTS else None
    mean = fn.mean if exact is None else exact.mean(0)
    variance = fn.variance if exact is None else exact.var(0)
    own = 0.0 if exact is None else DRAWS / 200_000
    error = (variance / DRAWS * (1 + own)).sqrt()
    assert ((x.mean(0) - mean).abs() < 5.5 * error).all()
    squares = (x - mean).square()
    assert ((squares.mean(0) - variance).abs() < 5.5 * (squares.var(0) / DRAWS * (1 + own)).sqrt()).all()


@every_row
def test_gradients_reach_the_parameters(name):
    loc, scale = LOC.clone().requires_grad_(), SCALE.clone().requires_grad_()
    model, _ = restated(name, loc=loc, spread=scale)
    total = poutine.trace(model).get_trace().log_prob_sum()
    gradients = torch.autograd.grad(total, (loc, scale), allow_unused=True)
    gradients = [each for each in gradients if each is not None]
    assert gradients
    assert all(each.isfinite().all() and (each != 0).any() for each in gradients)


@every_row
def test_a_guide_begins_at_the_value_of_the_variable(name):
    row = REPARAMETERISERS[name]
    model, trace = restated(name)
    start = row.value()
    guide = AutoDelta(model, init_loc_fn=init_to_value(values={"x": start}))
    points = guide()
    assert set(points) == set(trace.stochastic_nodes)
    x = poutine.trace(poutine.condition(model, data=points)).get_trace().nodes["x"].value
    if name == "Student's t":
        x = points["x"]
    torch.testing.assert_close(x.detach(), start)


@every_row
@pytest.mark.parametrize("parallel", [False, True])
def test_predictive_returns_the_variable(name, parallel):
    model, _ = restated(name)
    draws = Predictive(model, num_samples=2, parallel=parallel)()
    assert draws["x"].shape == (2, *REPARAMETERISERS[name].value().shape)
    assert (draws["x"][0] != draws["x"][1]).any()


@every_row
def test_data_are_restated_or_refused(name):
    """Where they are, the density is that of the data; of the random scales of a Student's t by a sum over them."""
    row = REPARAMETERISERS[name]
    data = row.value()
    model = lambda: virgil.sample("x", row.fn(LOC, SCALE), obs=data)  # noqa: E731
    with virgil.plate("slots", 3):
        if not row.takes_observations:
            with pytest.raises(ArgumentError, match="At site 'x', .* got an observed variable; it restates latent"):
                poutine.reparam(model, config={"x": row.reparam()})()
            return
        trace = poutine.trace(poutine.reparam(model, config={"x": row.reparam()})).get_trace()
    expected = row.fn(LOC, SCALE).log_prob(data).sum()
    if name == "Student's t":
        expected = expected_given_gamma(trace, data)
    torch.testing.assert_close(trace.log_prob_sum(), expected, atol=1e-9, rtol=0)


def expected_given_gamma(trace, data):
    gamma = trace.nodes["x_gamma"].value
    prior = dist.Gamma(torch.tensor(4.5, dtype=DOUBLE), 4.5).log_prob(gamma)
    return (prior + dist.Normal(LOC, SCALE / gamma.sqrt()).log_prob(data)).sum()


def test_students_t_is_a_mixture_of_normals():
    """The density of the variable, by the trapezium rule over the logarithm of what is stated."""
    log_gamma = torch.linspace(-12.0, 4.0, 4001, dtype=DOUBLE)
    gamma = log_gamma.exp().unsqueeze(-1)
    data = torch.tensor([-9.0, 0.3, 40.0], dtype=DOUBLE)
    reparam = REPARAMETERISERS["Student's t"].reparam()
    model = lambda: virgil.sample("x", dist.StudentT(9.0, LOC, SCALE), obs=data)  # noqa: E731
    with virgil.plate("points", 4001, dim=-2), virgil.plate("slots", 3, dim=-1):
        program = poutine.reparam(model, config={"x": reparam})
        trace = poutine.trace(poutine.condition(program, data={"x_gamma": gamma.expand(4001, 3)})).get_trace()
    density = (trace.nodes["x_gamma"].log_prob + trace.nodes["x"].log_prob + log_gamma.unsqueeze(-1)).exp()
    expected = dist.StudentT(9.0, LOC, SCALE).log_prob(data).exp()
    torch.testing.assert_close(torch.trapezoid(density, log_gamma, dim=0), expected, rtol=1e-6, atol=0)
