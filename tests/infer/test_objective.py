"""Objectives: values in closed form, particles, the dry run, and what they accept."""

import math
import random

import numpy as np
import pytest
import torch
from torch import distributions as td
from torch import nn

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError, PlateError
from virgil.infer import ELBO, SVI, Trace_ELBO, TraceMeanField_ELBO
from virgil.poutine.runtime import installed

DATA = torch.tensor([1.0, 2.0, 4.0])


def model(data=DATA):
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def posterior(data=DATA):
    precision = 0.25 + len(data)
    virgil.sample("mu", dist.Normal(virgil.param("loc", data.sum() / precision), precision**-0.5))


def _evidence(data):
    covariance = torch.eye(len(data)) + 4.0
    return td.MultivariateNormal(torch.zeros(len(data)), covariance).log_prob(data).item()


@pytest.mark.parametrize("options", [{}, {"num_particles": 7}, {"num_particles": 2, "vectorize_particles": False}])
def test_with_the_exact_posterior_every_draw_gives_the_evidence(options):
    for _ in range(3):
        assert Trace_ELBO(**options).loss(model, posterior) == pytest.approx(-_evidence(DATA), rel=1e-5)


def test_the_three_ways_to_a_loss_agree():
    def guide():
        virgil.sample("mu", dist.Normal(virgil.param("loc", 0.5), 1.0))

    elbo, values = Trace_ELBO(), []
    for way in (elbo.loss, elbo.differentiable_loss, elbo.loss_and_grads):
        virgil.set_rng_seed(1)
        values.append(torch.as_tensor(way(model, guide)).item())
    assert values[0] == values[1] == values[2]
    assert virgil.param("loc").grad is not None


def _analytic_pair():
    def prior():
        with virgil.plate("rows", 3), poutine.scale(scale=2.0):
            virgil.sample("a", dist.Normal(0.0, 1.0))
            virgil.sample("b", dist.Gamma(2.0, torch.tensor([1.0, 2.0, 3.0])))
        with poutine.mask(mask=False):
            virgil.sample("m", dist.Normal(0.0, 1.0))
        virgil.sample("d", dist.Dirichlet(torch.ones(3)))

    def guide():
        with virgil.plate("rows", 3), poutine.scale(scale=2.0):
            virgil.sample("a", dist.Normal(torch.tensor([0.0, 1.0, 2.0]), 0.5))
            virgil.sample("b", dist.Gamma(3.0, 1.5))
        with poutine.mask(mask=False):
            virgil.sample("m", dist.Normal(7.0, 1.0))
        virgil.sample("d", dist.Dirichlet(torch.tensor([1.0, 2.0, 3.0])))

    return prior, guide


def test_an_analytic_objective_is_exact_at_every_draw():
    kl = td.kl_divergence
    expected = 2 * kl(td.Normal(torch.tensor([0.0, 1.0, 2.0]), 0.5), td.Normal(torch.zeros(3), 1.0)).sum()
    expected = expected + 2 * kl(td.Gamma(3.0, 1.5), td.Gamma(2.0, torch.tensor([1.0, 2.0, 3.0]))).sum()
    expected = expected + kl(td.Dirichlet(torch.tensor([1.0, 2.0, 3.0])), td.Dirichlet(torch.ones(3)))
    for options in ({}, {"num_particles": 4}):
        assert TraceMeanField_ELBO(**options).loss(*_analytic_pair()) == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.long
def test_both_objectives_have_one_mean():
    """A t distribution with 199 degrees of freedom is beyond 4.5 with probability 1e-5."""
    pair = _analytic_pair()
    losses = torch.tensor([Trace_ELBO(num_particles=50).loss(*pair) for _ in range(200)])
    exact = TraceMeanField_ELBO().loss(*pair)
    assert abs(losses.mean().item() - exact) < 4.5 * losses.std().item() / 200**0.5


def test_a_divergence_without_closed_form_is_sampled():
    def wide():
        virgil.sample("z", dist.StudentT(5.0, 0.0, 1.0))

    def normal():
        virgil.sample("z", dist.Normal(torch.tensor(0.3), 1.0))

    virgil.set_rng_seed(0)
    sampled = Trace_ELBO().loss(wide, normal)
    virgil.set_rng_seed(0)
    assert TraceMeanField_ELBO().loss(wide, normal) == sampled


def test_masks_and_scales_that_differ_are_sampled_and_right():
    """A prior that is masked in the model alone is flat; the guide's entropy still counts."""

    def flat():
        with poutine.mask(mask=False):
            virgil.sample("z", dist.Normal(0.0, 1.0))

    def guide():
        virgil.sample("z", dist.Normal(torch.zeros(()), 3.0))

    losses = torch.tensor([TraceMeanField_ELBO().loss(flat, guide) for _ in range(400)])
    entropy = td.Normal(torch.zeros(()), 3.0).entropy().item()
    assert abs(losses.mean().item() + entropy) < 4 * losses.std().item() / 20


def _rng():
    return torch.rand(3).tolist(), np.random.rand(), random.random()


@pytest.mark.parametrize("options", [{}, {"num_particles": 3}])
def test_finding_the_structure_leaves_no_mark(options):
    net = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))
    called = []

    def program():
        virgil.module("net", net)
        called.append(1)
        net(torch.randn(4, 1))
        np.random.rand()
        random.random()
        virgil.param("new", lambda: torch.randn(2))
        with virgil.plate("outer", 2), virgil.plate("inner", 3):
            virgil.sample("z", dist.Normal(0.0, 1.0))

    before = {name: value.clone() for name, value in net.state_dict().items()}
    store = virgil.ParamStore()
    elbo = Trace_ELBO(**options)
    call = virgil.infer.density.execution.Call(program, program, (), {})
    virgil.set_rng_seed(9)
    expected = _rng()
    virgil.set_rng_seed(9)
    with store:
        structure = elbo._structure(call)
    assert _rng() == expected
    assert structure.max_plate_nesting == 2
    assert len(called) >= 2
    assert "new" not in store
    assert len(store) == 0
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert net.training
    assert installed() == ()


def test_the_structure_is_found_once():
    calls = []

    def counted():
        calls.append(1)
        virgil.sample("z", dist.Normal(0.0, 1.0))

    elbo = Trace_ELBO()
    for _ in range(5):
        elbo.loss(counted, counted)
    assert len(calls) == 2 + 2 * 5


def test_a_first_loss_is_the_same_with_the_nesting_given():
    losses = []
    for options in ({"max_plate_nesting": 1}, {}, {"max_plate_nesting": math.inf}):
        virgil.set_rng_seed(2)
        losses.append(Trace_ELBO(num_particles=3, **options).loss(model, posterior))
    assert losses[0] == losses[1] == losses[2]


def test_too_small_a_nesting_says_what_is_needed():
    elbo = Trace_ELBO(num_particles=2, max_plate_nesting=0, vectorize_particles=True)
    with pytest.raises(
        PlateError, match=r"'data' needs dim -1, but the objective expects at most 0 nested plates.*max_plate_nesting=1"
    ):
        elbo.loss(model, posterior)


def _unbroadcastable():
    z = virgil.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    mean = z[0] + z[1]  # with particles on the left this adds two particles
    virgil.sample("x", dist.Normal(mean.sum(), 1.0), obs=torch.tensor(1.0))


def _branching():
    z = virgil.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    if z[..., 0] > 0:
        virgil.factor("f", 1.0)
    virgil.sample("x", dist.Normal(z.sum(-1), 1.0), obs=torch.tensor(1.0))


def _vector_guide():
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.zeros(2)), 1.0).to_event(1))


@pytest.mark.parametrize("wanted", [None, True, False])
def test_particles_that_do_not_broadcast_give_the_exact_loss(wanted):
    elbo = Trace_ELBO(num_particles=200, vectorize_particles=wanted)
    losses = torch.tensor([elbo.loss(_unbroadcastable, _vector_guide) for _ in range(10)])
    # (1 - a - b)^2 has mean 1 + 2 and variance 16. The loss is half of it and half a log of two pi; its mean over
    # 2,000 particles is beyond five deviations with probability below 1e-6.
    exact = 0.5 * 3 + 0.5 * math.log(2 * math.pi)
    assert abs(losses.mean().item() - exact) < 5 * 0.5 * 4 / 2000**0.5


def test_particles_whose_structure_depends_on_values_run_one_after_another_in_silence():
    assert isinstance(Trace_ELBO(num_particles=20).loss(_branching, _vector_guide), float)


def test_accepting_the_loop_is_silent():
    elbo = Trace_ELBO(num_particles=2, vectorize_particles=False)
    assert isinstance(elbo.loss(_unbroadcastable, _vector_guide), float)


def test_who_asks_for_particles_at_once_hears_why_they_are_not():
    elbo = Trace_ELBO(num_particles=20, vectorize_particles=True)
    with pytest.warns(UserWarning, match="The particles run one after another.*ambiguous.*vectorize_particles=False"):
        elbo.loss(_branching, _vector_guide)


def test_one_objective_serves_several_pairs():
    elbo = Trace_ELBO(num_particles=2)

    def small():
        virgil.sample("z", dist.Normal(0.0, 1.0))

    for _ in range(2):
        assert elbo.loss(small, small) == pytest.approx(0.0, abs=1e-6)
        assert elbo.loss(model, posterior) == pytest.approx(-_evidence(DATA), rel=1e-5)
    for _ in range(40):  # many fresh functions do not make the objective grow
        elbo.loss(lambda: small(), lambda: small())
    assert len(elbo._structures) <= 16


def test_retain_graph():
    """Two steps share `root ** 2`. The derivative of `z ** 2 / 2`, with `z = root ** 2 + noise`, is `z * 2 * root`."""
    root = virgil.param("root", torch.tensor(0.5))
    shared, draws = root**2, []

    def guide():
        draws.append(virgil.sample("z", dist.Normal(shared, 1.0)).item())

    def step(elbo):
        elbo.loss_and_grads(lambda: virgil.sample("z", dist.Normal(0.0, 1.0)), guide)
        return draws[-1] * 2 * 0.5

    elbo = Trace_ELBO(retain_graph=True)
    expected = step(elbo) + step(elbo)
    assert virgil.get_param_store().unconstrained("root").grad.item() == pytest.approx(expected, rel=1e-5, abs=1e-6)
    once = Trace_ELBO()
    step(once)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        step(once)


def test_nothing_to_learn_is_no_error():
    fit = SVI(
        model, lambda: virgil.sample("mu", dist.Normal(0.0, 1.0)), virgil.optim.SGD({"lr": 0.1}), Trace_ELBO()
    ).run(2)
    assert fit.params == {}
    assert torch.isfinite(fit.losses).all()


def test_the_former_name_of_nesting_warns():
    with pytest.warns(DeprecationWarning, match="max_iarange_nesting is the former name of max_plate_nesting"):
        assert Trace_ELBO(max_iarange_nesting=2).max_plate_nesting == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_particles": 0}, "An objective got num_particles=0; it takes a whole number, 1 or more"),
        ({"num_particles": 1.5}, "got num_particles=1.5"),
        ({"max_plate_nesting": -1}, "got max_plate_nesting=-1; it takes a whole number, 0 or more"),
        ({"max_plate_nesting": math.nan}, "got max_plate_nesting=nan"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ArgumentError, match=message):
        Trace_ELBO(**options)
    assert issubclass(Trace_ELBO, ELBO)
