"""Location and scale taken out: learnt in part, beside summed-out variables, and at exact posteriors."""

import pytest
import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist
from tests.laws.families import ROWS
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.reparam import LocScaleReparam, TransformReparam
from virgil.infer.reparam.loc_scale import is_location_scale

PROBS, LOCS, NOISE = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([-1.0, 0.5, 2.0]), 0.7
DATA = torch.tensor([0.3, -1.2, 2.2, 0.9])


def test_the_centring_is_learnt_in_the_unit_interval():
    def model():
        x = virgil.sample("x", dist.Normal(3.0, 2.0))
        virgil.sample("y", dist.Normal(x, 5.0), obs=torch.tensor(4.0))

    def guide():
        virgil.sample("x_decentered", dist.Normal(1.5, 1.0))

    program = poutine.reparam(model, config={"x": LocScaleReparam()})
    svi = SVI(program, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO(num_particles=10))
    svi.evaluate_loss()
    assert virgil.param("x_centered").item() == 0.5
    for _ in range(20):
        svi.step()
    centered = virgil.param("x_centered").item()
    assert centered != 0.5
    assert 0 < centered < 1


@pytest.mark.parametrize("centered", [0.0, 0.3, 1.0])
def test_beside_a_summed_out_variable(centered):
    """The bound at given values of what is stated, against the sum over the values by hand."""
    base = torch.linspace(-1.0, 1.0, 4)

    def model():
        with virgil.plate("rows", 4):
            z = virgil.sample("z", dist.Categorical(PROBS), infer={"enumerate": "parallel"})
            x = virgil.sample("x", dist.Normal(LOCS[z], 0.5))
            virgil.sample("y", dist.Normal(x, NOISE), obs=DATA)

    def guide():
        with virgil.plate("rows", 4):
            virgil.sample("x" if centered == 1 else "x_decentered", dist.Delta(base))

    loss = TraceEnum_ELBO().loss(poutine.reparam(model, config={"x": LocScaleReparam(centered)}), guide)
    prior = td.Normal(centered * LOCS, 0.5**centered).log_prob(base.unsqueeze(-1))
    x = LOCS + 0.5 ** (1 - centered) * (base.unsqueeze(-1) - centered * LOCS)
    expected = (PROBS.log() + prior + td.Normal(x, NOISE).log_prob(DATA.unsqueeze(-1))).logsumexp(-1)
    assert loss == pytest.approx(-expected.sum().item(), rel=1e-5)


@pytest.mark.parametrize("kind", ["location-scale", "transform"])
def test_the_bound_at_the_exact_posterior_is_the_evidence(kind):
    """A normal variable with normal data, and its exponential with the data's logarithm."""
    loc, scale, centered = torch.tensor(0.4), torch.tensor(1.5), 0.3
    is_transform = kind == "transform"
    reparam = TransformReparam() if is_transform else LocScaleReparam(centered)

    def model():
        with virgil.plate("rows", 4):
            x = virgil.sample("x", (dist.LogNormal if is_transform else dist.Normal)(loc, scale))
            virgil.sample("y", dist.Normal(x.log() if is_transform else x, NOISE), obs=DATA)

    precision = scale**-2 + NOISE**-2
    mean, spread = (loc / scale**2 + DATA / NOISE**2) / precision, precision**-0.5
    rest = 1.0 if is_transform else scale ** (1 - centered)

    def guide():
        at = mean if is_transform else (mean - loc) / rest + centered * loc
        with virgil.plate("rows", 4):
            virgil.sample("x_base" if is_transform else "x_decentered", dist.Normal(at, spread / rest))

    evidence = td.Normal(loc, (scale**2 + NOISE**2).sqrt()).log_prob(DATA).sum()
    loss = Trace_ELBO().loss(poutine.reparam(model, config={"x": reparam}), guide)
    assert loss == pytest.approx(-evidence.item(), rel=1e-5)


def test_of_a_partly_observed_variable_the_latent_slots_are_restated():
    observed = torch.tensor([True, False, True, False])

    def model():
        with virgil.plate("rows", 4):
            return virgil.sample("x", dist.Normal(3.0, 2.0), obs=DATA, obs_mask=observed)

    program = poutine.reparam(model, config={"x_unobserved": LocScaleReparam(0.0)})
    trace = poutine.trace(program).get_trace()
    base = trace.nodes["x_unobserved_decentered"]
    torch.testing.assert_close(trace.nodes["_RETURN"].value, torch.where(observed, DATA, 3.0 + 2.0 * base.value))
    expected = torch.where(observed, td.Normal(3.0, 2.0).log_prob(DATA), td.Normal(0.0, 1.0).log_prob(base.value))
    torch.testing.assert_close(trace.log_prob_sum(), expected.sum())


@pytest.mark.parametrize(
    ("make", "fn", "message"),
    [
        (lambda: LocScaleReparam(1.5), None, r"got centered=1.5; it takes a number or tensor in \[0, 1\]"),
        (lambda: LocScaleReparam(0.0, shape_params="df"), None, "got shape_params='df'; it takes a list"),
        (lambda: LocScaleReparam(0.0), dist.LogNormal(0.0, 1.0), "site 'x', .* a location and a scale on the whole"),
        (lambda: LocScaleReparam(0.0), dist.Gamma(1.0, 1.0), "site 'x', .* a location and a scale on the whole"),
    ],
)
def test_mistakes_are_named(make, fn, message):
    with pytest.raises(ArgumentError, match=message):
        poutine.reparam(lambda: virgil.sample("x", fn), config={"x": make()})()


# Families with a location and a scale: those that are called so are, and no other is

NAMED = {name: row for name, row in ROWS.items() if {"loc", "scale"} <= row.params.keys()}
REAL = {name: row for name, row in NAMED.items() if is_location_scale(row.build())}


@pytest.mark.parametrize("row", REAL.values(), ids=REAL)
def test_a_value_less_its_location_over_its_scale_is_standard(row):
    fn = row.build()
    x = torch.tensor([[-1.7, 0.2], [0.4, 2.5]], dtype=torch.double)
    standard = row.build(loc=torch.zeros_like(fn.loc), scale=torch.ones_like(fn.scale))
    expected = standard.log_prob((x - fn.loc) / fn.scale) - fn.scale.log()
    torch.testing.assert_close(fn.log_prob(x), expected)


def test_the_table_has_families_of_both_kinds():
    assert {"Normal", "StudentT", "AsymmetricLaplace", "Stable"} <= REAL.keys()
    assert {"ExGaussian", "NormalMixture", "AffineBeta"} <= ROWS.keys() - REAL.keys()
