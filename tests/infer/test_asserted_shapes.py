"""Programs that assert the shapes that values have under an objective: its first run decides, not one without dims."""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import MismatchError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate

DATA = torch.tensor([0.5, -1.0])


def model(shape):
    def run():
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        assert z.shape == shape
        with virgil.plate("data", 2):
            virgil.sample("x", dist.Normal(z, 1.0), obs=DATA)

    return run


def guide(shape):
    def run():
        z = virgil.sample("z", dist.Delta(virgil.param("loc", torch.tensor(0.3))))
        assert z.shape == shape

    return run


def point_loss():
    joint = dist.Normal(0.0, 1.0).log_prob(torch.tensor(0.3)) + dist.Normal(0.3, 1.0).log_prob(DATA).sum()
    return pytest.approx(-float(joint))


OPTIONS = [{}, {"vectorize_particles": True}, {"vectorize_particles": True, "max_plate_nesting": 1}]


@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO])
@pytest.mark.parametrize("options", OPTIONS)
def test_particles(objective, options):
    loss = objective(num_particles=3, **options)
    svi = SVI(model((3, 1)), guide((3, 1)), virgil.optim.SGD({"lr": 0.0}), loss)
    assert [svi.step(), svi.step()] == [point_loss(), point_loss()]
    report = virgil.explain(model((3, 1)), guide((3, 1)), loss=loss)
    assert not report.errors, str(report)


def test_particles_one_after_another():
    loss = Trace_ELBO(num_particles=3, vectorize_particles=False)
    assert loss.loss(model(()), guide(())) == point_loss()


def mixture(shape):
    @config_enumerate
    def run(data=DATA):
        share = torch.tensor([0.5, 0.2, 0.3])
        with virgil.plate("data", len(data)):
            k = virgil.sample("k", dist.Categorical(share))
            assert k.shape == (shape if isinstance(shape, tuple) else shape(len(data)))
            virgil.sample("x", dist.Normal(k.float(), 1.0), obs=data)

    return run


def nothing(data=None):
    pass


def evidence(data):
    logs = torch.tensor([0.5, 0.2, 0.3]).log() + dist.Normal(torch.arange(3.0), 1.0).log_prob(data.unsqueeze(-1))
    return pytest.approx(-float(logs.logsumexp(-1).sum()))


@pytest.mark.parametrize("options", [{}, {"max_plate_nesting": 1}])
def test_enumerated_values(options):
    assert TraceEnum_ELBO(**options).loss(mixture((3, 1)), nothing) == evidence(DATA)
    report = virgil.explain(mixture((3, 1)), nothing)
    assert not report.errors, str(report)


def test_enumerated_values_with_particles():
    assert TraceEnum_ELBO(num_particles=2).loss(mixture((3, 1, 1)), nothing) == evidence(DATA)


def test_either_shape_of_enumerated_values():
    """The program runs alone too, but not with dims far apart, as the comparison with single values tries it."""

    @config_enumerate
    def program():
        first = virgil.sample("first", dist.Bernoulli(0.3))
        second = virgil.sample("second", dist.Bernoulli(0.6))
        assert second.shape in ((), (2, 1))
        virgil.sample("x", dist.Normal(first + second, 1.0), obs=DATA[0])

    sums = torch.tensor([0.7 * 0.4, 0.7 * 0.6 + 0.3 * 0.4, 0.3 * 0.6])
    expected = (sums.log() + dist.Normal(torch.arange(3.0), 1.0).log_prob(DATA[0])).logsumexp(0)
    assert TraceEnum_ELBO().loss(program, nothing) == pytest.approx(-float(expected))


def test_another_structure_is_taken_too():
    loss, program = TraceEnum_ELBO(), mixture((3, 1))
    for data in (DATA, torch.tensor([0.1, 0.2, 0.3])):
        assert loss.loss(program, nothing, data) == evidence(data)


@pytest.mark.parametrize(
    "loss", [Trace_ELBO(), Trace_ELBO(num_particles=3), Trace_ELBO(num_particles=3, vectorize_particles=False)]
)
def test_an_assertion_that_fails_there_too_is_raised(loss):
    with pytest.raises(AssertionError):
        loss.loss(model((4, 1)), guide((4, 1)))


def test_such_programs_are_checked_as_well():
    def other():
        virgil.sample("zz", dist.Normal(0.0, 1.0))

    with pytest.raises(MismatchError, match="'zz' is in the guide but not in the model"):
        Trace_ELBO(num_particles=3).loss(model((3, 1)), other)


def test_a_draw_without_a_pathwise_derivative_is_scored():
    """The derivative of -E[log N(0.5; k, 1)] in the logit, within 5 standard errors of 200: false alarm 6e-7."""

    def program():
        k = virgil.sample("k", dist.Bernoulli(0.5))
        assert k.shape == (100,)
        virgil.sample("x", dist.Normal(2 * k, 1.0), obs=DATA[0])

    def scored():
        virgil.sample("k", dist.Bernoulli(logits=virgil.param("logit", torch.tensor(0.4))))

    loss, slopes = Trace_ELBO(num_particles=100), []
    for _ in range(200):
        found = loss.differentiable_loss(program, scored)
        slopes.append(torch.autograd.grad(found, [virgil.param("logit").unconstrained()])[0])
    share = torch.sigmoid(torch.tensor(0.4))
    logs = dist.Normal(torch.tensor([0.0, 2.0]), 1.0).log_prob(DATA[0])
    slope = share * (1 - share) * (logs[1] - logs[0] - torch.tensor(0.4))  # log p is the same for both values
    found = torch.stack(slopes)
    assert abs(float(found.mean() + slope)) < 5 * float(found.std()) / math.sqrt(200)


@pytest.mark.long
def test_compiled_runs():
    fit = SVI(model((3, 1)), guide((3, 1)), virgil.optim.SGD({"lr": 0.0}), Trace_ELBO(num_particles=3)).run(
        3, engine="xla"
    )
    assert fit.losses.tolist() == [point_loss()] * 3


def test_a_program_that_asserts_that_there_are_none_sees_each_particle_alone():
    objective = Trace_ELBO(num_particles=3)
    assert math.isfinite(objective.loss(model(()), guide(())))
    assert all(structure.particles.mapped for structure in objective._structures.values())
