"""The bounds of a verdict: what is trusted is within a tenth of a standard deviation and ten per cent."""

import math
from time import perf_counter

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.trust.programs import DATA, SD, conjugate, posterior_guide, standing
from virgil.distributions import constraints
from virgil.errors import ArgumentError
from virgil.infer.trust.convergence import Convergence, Estimate
from virgil.infer.trust.moments import moments
from virgil.infer.trust.verdict import MEANS, SPREADS
from virgil.infer.trust.weights import importance


def checked(model, guide, *args, **options):
    return standing(model, guide, *args).check(steps=0, modes=False, **options)


@pytest.mark.parametrize(
    ("shift", "factor", "trusts"),
    [
        (0.0, 1.0, "all"),
        (0.05, 1.0, "all"),
        (0.0, 1.05, "all"),
        (0.2, 1.0, "weighted draws"),
        (0.0, 1.2, "weighted draws"),
        (0.0, 0.85, "weighted draws"),
    ],
)
def test_a_guide_is_trusted_within_the_bounds_only(shift, factor, trusts):
    """With 10,000 draws errors are below a hundredth, so that 0.05 is within the bounds by five of them."""
    assert checked(conjugate, posterior_guide(shift, factor), DATA).verdict.trusts == trusts


def test_weighted_draws_that_are_too_few_are_not_trusted():
    guide = posterior_guide(0.5, 1.5)
    check = checked(conjugate, guide, DATA, draws=200)
    assert check.verdict.trusts in ("means", "nothing")
    more = int(check.verdict.advice.split("draws=")[1].split(")")[0])
    assert checked(conjugate, guide, DATA, draws=more).verdict.trusts == "weighted draws"


def test_the_bounds_are_those_of_the_page():
    assert (MEANS, SPREADS) == (0.1, 0.1)


def narrow(dim, factor):
    def model():
        virgil.sample("z", dist.Normal(torch.zeros(dim), 1.0).to_event(1))

    def guide():
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.zeros(dim)), factor).to_event(1))

    return model, guide


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("dim", "factor"), [(10, 0.65), (10, 0.7), (3, 0.7)])
def test_weighted_draws_that_are_trusted_are_near(dim, factor, seed):
    """A guide too narrow has few draws where the mass is; k-hat alone let errors of 15 % through."""
    virgil.set_rng_seed(seed)
    check = checked(*narrow(dim, factor))
    assert check.verdict.trusts != "all"
    if check.verdict.trusts == "weighted draws":
        drawn, weights = check._values["z"].double(), check.weights.log_weights.exp().unsqueeze(1)
        mean = (weights * drawn).sum(0)
        assert mean.abs().max() <= MEANS
        assert ((weights * (drawn - mean) ** 2).sum(0).sqrt() - 1).abs().max() <= 0.1


def test_errors_of_weighted_draws_are_those_of_independent_ones_where_weights_are_equal():
    """A mean of N normal draws has the error ``1 / sqrt(N)`` sd, their deviation one of ``1 / sqrt(2 N)``."""
    num = 10_000
    found = moments(torch.randn(num, 3), torch.full((num,), -math.log(num), dtype=torch.float64))
    assert found.mean_error == pytest.approx(num**-0.5, rel=0.01)
    assert found.sd_error == pytest.approx((2 * num) ** -0.5, rel=0.1)
    assert abs(found.shift) < 1e-9
    assert found.dependence < 1e-9


def test_a_derived_quantity_is_judged():
    """The mean of ten entries, each too narrow by a twentieth, is as it is; their sum with a common shift is not."""

    def model():
        z = virgil.sample("z", dist.Normal(torch.zeros(16), 1.0).to_event(1))
        virgil.deterministic("mean", z.mean(-1))

    def guide():  # each mean is off by 0.06 sd, that of the mean by 0.06 * 4
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.full((16,), 0.06)), 1.0).to_event(1))

    check = checked(model, guide)
    sites = {site.name: site for site in check.sites}
    assert abs(sites["mean"].moments.shift + 0.24) < 5 * sites["mean"].moments.shift_error
    assert not sites["mean"].mean_holds
    assert check.verdict.trusts == "weighted draws"
    assert "'mean'" in str(check.verdict)


def test_dependence_inside_a_site_names_a_guide_that_has_it():
    def model():
        virgil.sample("z", dist.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.9], [0.9, 1.0]])))

    def guide():
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.zeros(2)), math.sqrt(1 - 0.9**2)).to_event(1))

    check = checked(model, guide)
    assert "dependence between entries of 'z', as AutoMultivariateNormal" in str(check.verdict)


@pytest.mark.parametrize("scale", [150.0, 500.0])
def test_log_weights_spread_over_hundreds_of_nats_are_not_usable_whatever_their_tail(scale):
    """Half of the weights are equal and largest: their tail is flat."""
    raw = -scale * torch.rand(10_000, dtype=torch.float64).sub(0.5).clamp_min(0.0).mul(8)
    weights = importance(raw + 1e-2 * torch.rand_like(raw), torch.zeros_like(raw))
    assert weights.k_hat <= weights.threshold
    assert not weights.is_usable


def test_an_improper_prior_does_not_switch_the_search_off():
    """The posterior has modes at minus and plus the root of six, of one half each."""

    def model():
        z = virgil.sample("z", dist.ImproperUniform(constraints.real, (), ()))
        virgil.sample("y", dist.Normal(z**2, 1.0), obs=torch.tensor(6.0))

    def guide():
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(6.0**0.5)), 0.2))

    check = standing(model, guide).check(steps=0)
    assert check.modes.reason is None
    (missed,) = check.modes.missed
    assert missed.values["z"].item() == pytest.approx(-(6.0**0.5), abs=0.1)
    assert missed.share == pytest.approx(0.5, abs=0.05)
    assert check.verdict.trusts == "nothing"


def steps(**figures):
    nothing = Estimate(0.0, 0.01)
    given = {"drift": nothing, "jitter": nothing, "excess": nothing, "r_hat": 1.0, "r_hat_share": 0.0}
    given |= {"steps": 512, "latents": 4, "mcse": 0.0, "worst": "loc", "signal": 0.1, "decayed": 1.0, "failed": False}
    return Convergence(**{**given, "averaged": False, **figures})


@pytest.mark.parametrize(("jitter", "advice"), [(14.0, "a smaller rate"), (1.0, None)])
def test_noise_behind_an_average_is_told_where_it_is_a_deviation_of_each_variable(jitter, advice):
    assert steps(jitter=Estimate(jitter, 0.1), averaged=True).advice == advice


@pytest.mark.parametrize(
    ("drift", "r_hat", "creeps"),
    [(Estimate(0.05, 0.005), 2.2, True), (Estimate(0.05, 0.05), 2.2, False), (Estimate(0.05, 0.005), 1.0, False)],
)
def test_creeping_is_no_arrival(drift, r_hat, creeps):
    found = steps(drift=drift, r_hat=r_hat, r_hat_share=0.9 if r_hat > 1.5 else 0.0)
    assert found.advice is None
    assert found.creeps == creeps


def test_a_run_that_creeps_is_told_to_go_on():
    """The guide stands three deviations from the posterior's mean; a rate of 1e-4 moves it there by little a step."""
    virgil.set_rng_seed(0)
    optim = virgil.optim.SGD({"lr": 1e-4})
    svi = virgil.infer.SVI(conjugate, posterior_guide(3.0), optim, virgil.infer.Trace_ELBO(num_particles=10))
    check = svi.run(5, DATA, engine="eager", progress=False).check(modes=False, steps=128)
    assert check.verdict.trusts == "later", check.summary()
    assert "Take more steps" in str(check.verdict)


def test_a_check_keeps_to_its_seconds():
    """Draws one by one, of which 1,000 would take 20 seconds."""

    def slow(data):
        mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
        begin = perf_counter()
        while perf_counter() - begin < 0.01:
            float(mu.detach().sum())  # reads a value into Python: one draw an execution
        virgil.sample("x", dist.Normal(mu, 1.0).expand([5]).to_event(1), obs=data)

    check = standing(slow, posterior_guide(), DATA).check(steps=0, modes=False, seconds=2.0)
    assert len(check.weights.log_weights) < 200  # 0.8 seconds at most, 100 draws at least


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, "one"])
def test_seconds_out_of_range_are_named(seconds):
    with pytest.raises(ArgumentError, match="takes a number above 0"):
        standing(conjugate, posterior_guide(), DATA).check(seconds=seconds)


def test_a_weighted_answer_is_that_of_the_posterior():
    virgil.set_rng_seed(1)
    check = checked(conjugate, posterior_guide(0.5, 1.3), DATA)
    assert check.verdict.trusts == "weighted draws"
    assert check.sites[0].moments.mean_error < MEANS / 3
    assert check.draws(20_000)["mu"].std().item() == pytest.approx(SD, rel=0.1)
