"""The verdict on fits whose worth is known, on both engines; the table, the dict, sites and modes."""

import json

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.trust.programs import (
    DATA,
    RUNS,
    bimodal,
    conjugate,
    correlated,
    fitted,
    funnel,
    log_evidence,
    standing,
)
from virgil.infer.autoguide import AutoMultivariateNormal, AutoNormal

runs = pytest.mark.parametrize(("engine", "seed"), RUNS)


def seeded(seed, model, family, *args, **options):
    virgil.set_rng_seed(seed)
    return fitted(model, family(model), *args, **options)


@pytest.mark.long
@runs
@pytest.mark.parametrize(
    ("model", "family", "args"),
    [(conjugate, AutoNormal, (DATA,)), (correlated, AutoMultivariateNormal, ())],
)
def test_a_guide_that_contains_the_posterior_passes(engine, seed, model, family, args):
    # averaged, as steps of a fixed rate leave the mean farther off than 0.1 standard deviations now and then
    check = seeded(seed, model, family, *args, engine=engine, average=1000).check()
    assert check.verdict.trusts == "all", check.summary()
    assert check.k_hat <= 0.5
    assert check.convergence.advice is None
    expected = log_evidence(*args) if args else 0.0
    assert abs(check.weights.evidence - expected) < 5 * check.weights.evidence_error + 1e-4
    assert check.modes == type(check.modes)((), None) or not check.modes.missed
    assert set(check.draws(10)) == {site.name for site in check.sites}


@pytest.mark.long
@runs
def test_a_mean_field_guide_of_a_correlated_posterior_is_called_out(engine, seed):
    """Its shape is 0.95 in the limit and about 0.83, give or take 0.1, with 10,000 draws."""
    check = seeded(seed, correlated, AutoNormal, engine=engine).check()
    assert check.verdict.trusts == "nothing", check.summary()
    assert check.k_hat > 0.5
    assert all(site.moments.ratio < 0.8 and not site.spread_holds for site in check.sites)  # the truth is 0.31
    assert all(not site.is_at_fault for site in check.sites)
    assert check.weights.gap > 0.4  # of 1.16 nats, which weights of so heavy a tail find in part
    assert "dependence" in check.verdict.advice


@pytest.mark.long
@runs
def test_a_funnel_is_called_out(engine, seed):
    check = seeded(seed, funnel, AutoNormal, engine=engine, steps=3000).check()
    assert check.verdict.trusts == "nothing", check.summary()
    assert check.k_hat > check.weights.threshold


@runs
def test_a_mode_that_the_guide_never_visits_is_found(engine, seed):
    check = seeded(seed, bimodal, AutoNormal, engine=engine).check()
    assert check.verdict.trusts == "nothing", check.summary()
    (missed,) = check.modes.missed
    loc = virgil.get_param_store()["AutoNormal.locs.z"].item()
    assert missed.share == pytest.approx(0.5, abs=0.05)  # the two modes are mirror images
    assert missed.values["z"].item() == pytest.approx(-loc, abs=0.2)
    assert "never visits, near z =" in str(check.verdict)


def one_mode():
    virgil.sample("z", dist.Normal(torch.zeros(3), torch.tensor([0.01, 1.0, 100.0])).to_event(1))
    virgil.sample("p", dist.Beta(3.0, 2.0))


@pytest.mark.long
def test_there_is_no_other_mode_where_there_is_one():
    check = fitted(one_mode, AutoNormal(one_mode), lr=0.02).check(steps=0)
    assert check.modes.reason is None
    assert check.modes.missed == ()


def test_a_site_at_fault_is_named_with_its_slot():
    """In slot 2 alone the posterior is too wide for the guide: the shape is ``1 - 0.3 ** 2`` in the limit."""
    widths = torch.tensor([1.0, 1.0, 1.0, 1.0])

    def model():
        virgil.sample("whole", dist.Normal(0.0, 1.0))
        with virgil.plate("slots", 4):
            virgil.sample("split", dist.Normal(0.0, widths))

    def guide():
        virgil.sample("whole", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))
        with virgil.plate("slots", 4):
            virgil.sample("split", dist.Normal(0.0, torch.tensor([1.0, 1.1, 0.1, 1.0])))

    svi = virgil.infer.SVI(model, guide, virgil.optim.SGD({"lr": 1e-20}), virgil.infer.Trace_ELBO())
    check = svi.run(2, engine="eager", progress=False).check(steps=0, modes=False)
    whole, split = check.sites
    assert (whole.shape.k_hat, whole.shape.slot) == (0.0, ())  # equal weights
    assert split.shape.slot == (2,)
    assert split.is_at_fault
    assert "'split' does not fit even given the others" in check.verdict.advice


def test_sites_that_are_points_are_named():
    def guide():
        first = virgil.sample("first", dist.Delta(virgil.param("point", torch.tensor(0.7))))
        virgil.sample("second", dist.Normal(0.95 * first, (1 - 0.95**2) ** 0.5))

    check = standing(correlated, guide).check(steps=0)
    assert check.k_hat == 0.0  # the rest of the guide is exact
    assert check.weights.evidence == pytest.approx(dist.Normal(0.0, 1.0).log_prob(torch.tensor(0.7)).item(), abs=1e-4)
    assert str(check.verdict).startswith("Given the point values of 'first', whose uncertainty is left out: Trust")
    assert check.sites[0].moments is None


def test_a_check_is_a_table_and_a_dict():
    check = fitted(conjugate, AutoNormal(conjugate), DATA).check()
    found = json.loads(json.dumps(check.to_dict(), allow_nan=False))
    assert found["verdict"] == str(check.verdict) == str(check)
    assert found["weights"]["k_hat"] == check.k_hat
    assert found["sites"]["mu"]["shift"] == check.sites[0].moments.shift
    assert found["convergence"]["drift"]["value"] == check.convergence.drift.value
    table = check.summary()
    assert table.startswith(str(check.verdict))
    assert f"{check.weights.evidence:.3f}" in table
    assert max(map(len, table.splitlines())) <= 120
