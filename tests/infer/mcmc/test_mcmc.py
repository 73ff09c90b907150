"""Chains: their shapes, seeds, hooks, processes, figures, and how far they are trusted."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from tests.infer.mcmc.programs import DATA, conjugate, two_parts
from virgil.errors import ArgumentError
from virgil.infer import HMC, MCMC, NUTS, StreamingMCMC
from virgil.infer.mcmc import diagnostics, initialize_model, predictive, select_samples, summary
from virgil.infer.mcmc.judgement import judged
from virgil.infer.mcmc.samples import diagnostics_from_stats
from virgil.nn import PyroModule, PyroSample


def drawn(model=two_parts, args=(), draws=12, warmup=8, seed=0, **given):
    """A short run of small steps."""
    virgil.set_rng_seed(seed)
    kernel = HMC(model, step_size=0.3, num_steps=2, adapt_step_size=False, engine="eager")
    mcmc = MCMC(kernel, draws, warmup, disable_progbar=True, **given)
    mcmc.run(*args)
    return mcmc


def test_shapes_of_draws():
    mcmc = drawn(num_chains=3)
    shapes = {"a": (), "b": (), "c": (3,)}
    for name, shape in shapes.items():
        assert mcmc.get_samples()[name].shape == (36, *shape)
        assert mcmc.get_samples(group_by_chain=True)[name].shape == (3, 12, *shape)
        assert mcmc.get_samples(num_samples=5)[name].shape == (5, *shape)
        assert mcmc.get_samples(num_samples=5, group_by_chain=True)[name].shape == (3, 5, *shape)
    assert bool((mcmc.get_samples()["b"] > 0).all())
    torch.testing.assert_close(mcmc.get_samples()["c"].sum(-1), torch.ones(36))
    figures = mcmc.diagnostics()
    assert list(figures["divergences"]) == ["chain 0", "chain 1", "chain 2"]
    assert all(0 <= rate <= 1 for rate in figures["acceptance rate"].values())
    assert figures["c"]["r_hat"].shape == (3,)


def test_the_same_seed_gives_the_same_draws():
    one, same, other = (drawn(seed=seed).get_samples()["c"] for seed in (4, 4, 5))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_hooks_see_every_step():
    seen = []
    drawn(hook_fn=lambda kernel, params, stage, step: seen.append((stage, step, set(params), params["c"].shape)))
    names, shape = {"a", "b", "c"}, torch.Size([2])
    assert seen[:8] == [("Warmup", step, names, shape) for step in range(8)]
    assert seen[8:] == [("Sample", step, names, shape) for step in range(12)]


def test_only_what_is_asked_for_is_kept():
    whole, part = drawn(), drawn(save_params=["c", "a"])
    assert set(part.get_samples()) == {"a", "c"}
    torch.testing.assert_close(part.get_samples()["c"], whole.get_samples()["c"])
    with pytest.raises(ArgumentError, match="save_params has 'd'; the chain has"):
        drawn(save_params=["d"])


def test_chains_begin_where_they_are_told():
    starts = {"loc": torch.tensor([-3.0, 5.0])}
    seen = []
    kernel = HMC(conjugate, step_size=1e-6, num_steps=1, adapt_step_size=False, engine="eager")
    MCMC(
        kernel,
        1,
        0,
        starts,
        num_chains=2,
        disable_progbar=True,
        hook_fn=lambda k, params, *_: seen.append(params["loc"]),
    ).run(DATA)
    torch.testing.assert_close(torch.stack(seen), starts["loc"], atol=1e-3, rtol=0)


def test_transforms_lead_back_to_values():
    exp = torch.distributions.transforms.ExpTransform()
    kernel = NUTS(potential_fn=lambda z: z["x"].exp() - 2 * z["x"], transforms={"x": exp.inv})
    virgil.set_rng_seed(0)
    mcmc = MCMC(kernel, 1500, 300, {"x": torch.tensor(0.0)}, disable_progbar=True)
    mcmc.run()
    x = mcmc.get_samples()["x"]  # gamma of shape 2
    assert bool((x > 0).all())
    # autocorrelated: the critical value at 1e-6 of 150 independent draws, a tenth of these
    assert stats.kstest(x.numpy(), stats.gamma(2).cdf).statistic < stats.kstwo.isf(1e-6, 150)


def test_a_models_own_transform_changes_the_space_and_not_the_posterior():
    double = torch.distributions.transforms.AffineTransform(0.0, 2.0)
    _, potential, transforms, _ = initialize_model(conjugate, (DATA,), transforms={"loc": double.inv})
    u = torch.tensor(0.7)
    wanted = dist.Normal(0.0, 1.0).log_prob(2 * u) + dist.Normal(2 * u, 1.0).log_prob(DATA).sum() + math.log(2)
    torch.testing.assert_close(potential({"loc": u}), -wanted.double(), check_dtype=False)
    torch.testing.assert_close(transforms["loc"].inv(u), 2 * u)


def test_a_potential_energy_is_minus_the_log_density_over_real_numbers():
    virgil.set_rng_seed(0)
    params, potential, transforms, trace = initialize_model(two_parts, num_chains=2)
    assert [set(each) for each in params] == [{"a", "b", "c"}] * 2
    z = {name: value.requires_grad_() for name, value in params[0].items()}
    x = {name: transforms[name].inv(value) for name, value in z.items()}
    wanted = (
        dist.Normal(1.0, 2.0).log_prob(x["a"])
        + dist.HalfNormal(1.0).log_prob(x["b"])
        + dist.Dirichlet(torch.tensor([1.0, 2.0, 3.0])).log_prob(x["c"])
        - sum(transforms[name].log_abs_det_jacobian(x[name], z[name]).sum() for name in x)
    )
    torch.testing.assert_close(potential(z), -wanted, check_dtype=False)
    assert torch.autograd.grad(potential(z), z["a"])[0].isfinite()
    assert set(trace.stochastic_nodes) == {"a", "b", "c"}


@pytest.mark.parametrize("chains", [1, 2])
def test_streamed_statistics_are_those_of_the_draws(chains):
    kept = drawn(draws=40, num_chains=chains).get_samples(group_by_chain=True)
    virgil.set_rng_seed(0)
    kernel = HMC(two_parts, step_size=0.3, num_steps=2, adapt_step_size=False, engine="eager")
    streamed = StreamingMCMC(kernel, 40, 8, num_chains=chains, disable_progbar=True)
    streamed.run()
    found = streamed.get_statistics()
    for chain in range(chains):
        for name, value in kept.items():
            torch.testing.assert_close(found[chain, name]["mean"], value[chain].mean(0))
            torch.testing.assert_close(found[chain, name]["variance"], value[chain].var(0))
    merged = streamed.get_statistics(group_by_chain=False)
    torch.testing.assert_close(merged["c"]["mean"], kept["c"].flatten(0, 1).mean(0))
    assert merged["c"]["count"] == 40 * chains
    assert "chain 0" in streamed.diagnostics()["acceptance rate"]


def test_r_hat_from_statistics_is_that_of_draws():
    draws = torch.randn(3, 50, 2, generator=torch.Generator().manual_seed(0))
    statistics = {(chain, "x"): {"mean": each.mean(0), "variance": each.var(0)} for chain, each in enumerate(draws)}
    within, between = draws.var(1).mean(0), draws.mean(1).var(0)
    wanted = ((49 / 50 * within + between) / within).sqrt()
    torch.testing.assert_close(diagnostics_from_stats(statistics, 50, 3)["x"]["r_hat"], wanted)
    with pytest.raises(ArgumentError, match="have no 'variance', which R-hat needs"):
        diagnostics_from_stats({(0, "x"): {"mean": within}}, 50, 1)


def test_a_summary_has_the_figures_of_numpy(capsys):
    mcmc = drawn(draws=30, num_chains=2)
    flat = mcmc.get_samples()["c"].numpy()
    found = summary(mcmc.get_samples(group_by_chain=True), prob=0.8)["c"]
    assert list(found) == ["mean", "std", "median", "10.0%", "90.0%", "n_eff", "r_hat"]
    np.testing.assert_allclose(found["mean"], flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found["std"], flat.std(0, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(found["90.0%"], np.quantile(flat, 0.9, 0), rtol=1e-5)
    alone = summary(mcmc.get_samples(), group_by_chain=False)["c"]
    np.testing.assert_allclose(alone["median"], np.median(flat, 0), rtol=1e-5)
    mcmc.summary()
    printed = capsys.readouterr().out
    assert "c[2]" in printed
    assert "Number of divergences: 0" in printed
    with pytest.raises(ArgumentError, match=r"summary\(\) got prob=1"):
        summary(mcmc.get_samples(), prob=1)


def test_few_draws_have_no_figures():
    found = diagnostics({"x": torch.zeros(1, 1, 2), "n": torch.arange(8).reshape(1, 8)})
    assert bool(found["x"]["r_hat"].isnan().all())
    assert found["n"]["n_eff"].isfinite()


def test_interrupted_chains_keep_their_draws():
    def stop(kernel, params, stage, step):
        if stage == "Sample" and step == 6:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted after 7 draws of chain 0; they are kept"):
        mcmc = drawn(hook_fn=stop)
    assert mcmc.get_samples()["c"].shape == (7, 3)
    with pytest.raises(KeyboardInterrupt):
        drawn(hook_fn=lambda kernel, params, stage, step: stop(kernel, params, "Sample", 6))


@pytest.mark.thorough
def test_chains_in_processes_of_their_own():
    virgil.set_rng_seed(0)
    kernel = HMC(conjugate, num_steps=3, engine="eager")
    mcmc = MCMC(kernel, 300, 100, num_chains=2, mp_context="spawn", disable_progbar=True)
    mcmc.run(DATA)
    loc = mcmc.get_samples(group_by_chain=True)["loc"]
    assert loc.shape == (2, 300)
    assert not torch.equal(loc[0], loc[1])
    assert abs(float(loc.mean()) - float(DATA.sum()) / 5) < 0.25  # eight standard errors of 200 independent draws
    assert set(mcmc.diagnostics()["acceptance rate"]) == {"chain 0", "chain 1"}


def test_what_cannot_be_sent_to_a_process_is_said():
    with pytest.raises(ArgumentError, match="Define the model at the top of a module"):
        MCMC(NUTS(lambda: None), 2, mp_context="spawn", num_chains=2).run()
    with pytest.raises(ArgumentError, match="mp_context='threads'; it takes"):
        MCMC(NUTS(conjugate), 2, mp_context="threads").run(DATA)


def test_a_module_with_variables_for_weights():
    class Line(PyroModule):
        def __init__(self):
            super().__init__()
            self.slope = PyroSample(dist.Normal(0.0, 1.0))

        def forward(self, x, y):
            with virgil.plate("rows", len(x)):
                virgil.sample("y", dist.Normal(self.slope * x, 0.5), obs=y)

    x, y = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.1])
    precision = 1 + float(x.square().sum()) / 0.25
    mean = float((x * y).sum()) / 0.25 / precision
    mcmc = drawn(Line(), (x, y), draws=400, warmup=50)
    assert abs(float(mcmc.get_samples()["slope"].mean()) - mean) < 6 * precision**-0.5 / 5  # 25 independent draws


def test_predictions_follow_the_draws():
    draws = {"loc": torch.linspace(-2, 2, 7)}
    found = predictive(lambda: virgil.sample("x", dist.Delta(virgil.sample("loc", dist.Normal(0.0, 1.0)) + 1)), draws)
    torch.testing.assert_close(found["x"].reshape(7), draws["loc"] + 1)


def test_draws_for_arviz():
    pytest.importorskip("arviz_base")
    virgil.set_rng_seed(0)
    mcmc = MCMC(NUTS(two_parts, engine="eager", max_tree_depth=3), 8, 4, num_chains=2, disable_progbar=True)
    mcmc.run()
    tree = mcmc.to_arviz()
    np.testing.assert_array_equal(tree["posterior"]["c"].values, mcmc.get_samples(group_by_chain=True)["c"].numpy())
    assert tree["sample_stats"]["diverging"].dims == ("chain", "draw")
    assert int(tree["sample_stats"]["tree_depth"].max()) <= 3
    assert tree["sample_stats"]["energy"].shape == (2, 8)


NOISE = torch.randn(4, 500, generator=torch.Generator().manual_seed(1))
FINE = [{"divergences": [], "energy": NOISE[0].tolist(), "tree depth": [3] * 500}] * 4
JUDGED = [
    ({"x": NOISE}, FINE, "Nothing speaks against these 2000 draws of 4 chains."),
    ({"x": NOISE}, [{**FINE[0], "divergences": [3, 9]}, *FINE[1:]], "2 of 2000 steps diverged"),
    ({"x": NOISE, "y": NOISE + torch.arange(4.0).unsqueeze(1)}, FINE, "have not settled, at 'y'"),
    ({"x": NOISE.cumsum(1)}, FINE, "The draws of 'x' are worth"),
    ({"x": NOISE}, [{**FINE[0], "energy": torch.linspace(0, 9, 500).tolist()}], "its E-BFMI is 0.00"),
    ({"x": NOISE}, [{**FINE[0], "tree depth": [3] * 400 + [10] * 100}], "100 of 500 trajectories were cut off"),
]


@pytest.mark.parametrize(("samples", "kernels", "text"), JUDGED, ids=[text for *_, text in JUDGED])
def test_a_check_says_what_is_at_fault(samples, kernels, text):
    found = judged(samples, kernels)
    assert text in str(found)
    assert found.is_trusted == text.startswith("Nothing")


ERRORS = [
    (lambda: MCMC(conjugate, 3), "as its kernel; it takes an MCMCKernel, such as NUTS(model)"),
    (lambda: MCMC(NUTS(conjugate), 0), "MCMC got num_samples=0; it takes a number from 1"),
    (lambda: MCMC(NUTS(conjugate), 3, -1), "MCMC got warmup_steps=-1; it takes a number from 0"),
    (lambda: MCMC(NUTS(conjugate), 3, num_chains=0), "MCMC got num_chains=0; it takes a number from 1"),
    (lambda: MCMC(NUTS(conjugate), 3, initial_params={"loc": torch.zeros(3)}, num_chains=2), "it has a row for each"),
    (lambda: MCMC(NUTS(conjugate), 3).get_samples(), "MCMC has no draws yet. Call run(*args) first"),
    (lambda: select_samples({"x": NOISE}, 0), "get_samples() got num_samples=0; it takes a number from 1"),
]


@pytest.mark.parametrize(("call", "text"), ERRORS, ids=[text for _, text in ERRORS])
def test_errors_say_what_to_do(call, text):
    with warnings.catch_warnings(), pytest.raises(ArgumentError) as caught:
        call()
    assert text in str(caught.value)
