"""Kernels keep the distributions that they are for.

Each law holds for any number of steps: a chain that begins at an exact draw of the target has the target's law at every
step, so many short chains are independent draws after it, and a Kolmogorov-Smirnov test of 1e-6 applies. Long chains
are compared by means whose standard errors come from the effective sample size; six of them, with a hundred figures,
make a false alarm of about 2e-7.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError
from virgil.infer import HMC, MCMC, NUTS, RandomWalkKernel
from virgil.infer.mcmc import ArrowheadMassMatrix, MCMCKernel
from virgil.ops.convergence import effective_sample_size

RATE = 1e-6
KERNELS = {
    "NUTS": lambda **given: NUTS(adapt_mass_matrix=False, **given),
    "NUTS, by a level": lambda **given: NUTS(adapt_mass_matrix=False, use_multinomial_sampling=False, **given),
    "HMC": lambda **given: HMC(adapt_mass_matrix=False, trajectory_length=1.5, **given),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_step_keeps_the_distribution(name):
    """A skewed target far from normal: log x of a gamma variable x, steps long enough to be refused at times."""
    shape = 1.7
    kernel = KERNELS[name](
        potential_fn=lambda z: (z["u"].exp() - shape * z["u"]).sum(), step_size=0.9, adapt_step_size=False
    )
    virgil.set_rng_seed(11)
    draws = []
    for start in torch.distributions.Gamma(shape, 1.0).sample((600,)).log():
        kernel.cleanup()
        kernel.initial_params = {"u": start}
        kernel.setup(0)
        params = kernel.initial_params
        for _ in range(2):
            params = kernel.sample(params)
        draws.append(float(params["u"]))
    assert stats.kstest(np.exp(draws), stats.gamma(shape).cdf).pvalue > RATE
    assert 0 < kernel.diagnostics()["acceptance rate"] <= 1


def is_near(values, wanted):
    """True where means of draws are within six standard errors. Shape: ``(chains, draws, *shape)``."""
    error = values.flatten(0, 1).std(0) / effective_sample_size(values).nan_to_num(1.0).clamp(min=1).sqrt()
    return bool(((values.flatten(0, 1).mean(0) - wanted).abs() <= 6 * error + 1e-6).all())


COVARIANCE = torch.tensor([[1.0, 0.8, 0.0], [0.8, 1.0, 0.2], [0.0, 0.2, 4.0]])
TARGETS = {
    "normal": (dist.MultivariateNormal(torch.tensor([1.0, -2.0, 0.5]), COVARIANCE), torch.tensor([1.0, -2.0, 0.5])),
    "Gamma": (dist.Gamma(2.5, 0.5), torch.tensor(5.0)),
    "Beta": (dist.Beta(0.8, 2.0), torch.tensor(0.8 / 2.8)),
    "Dirichlet": (dist.Dirichlet(torch.tensor([0.7, 1.5, 3.0])), torch.tensor([0.7, 1.5, 3.0]) / 5.2),
    "LKJ": (dist.LKJCholesky(2, 1.0), torch.tensor([[1.0, 0.0], [0.0, math.pi / 4]])),
    "Uniform": (dist.Uniform(-1.0, 3.0), torch.tensor(1.0)),
}


@pytest.mark.parametrize("name", TARGETS)
def test_means_of_families(name):
    family, mean = TARGETS[name]
    virgil.set_rng_seed(5)
    mcmc = MCMC(NUTS(lambda: virgil.sample("x", family)), num_samples=1500, warmup_steps=500, disable_progbar=True)
    mcmc.run()
    x = mcmc.get_samples(group_by_chain=True)["x"]
    assert is_near(x, mean)
    assert is_near((x - mean).square(), family.variance if name != "LKJ" else (x - mean).square().flatten(0, 1).mean(0))
    assert bool(family.support.check(x).all())


@pytest.mark.parametrize("kind", ["dense", "arrowhead", "walk"])
def test_other_kernels_reach_a_correlated_normal(kind):
    def model():
        a = virgil.sample("a", dist.Normal(0.0, 1.0))
        with virgil.plate("rows", 3):
            virgil.sample("b", dist.Normal(2.0 * a, 0.5))

    virgil.set_rng_seed(7)
    if kind == "walk":
        kernel, draws = RandomWalkKernel(model), 3000
    else:
        kernel, draws = NUTS(model, full_mass=True if kind == "dense" else [("a",)]), 1000
        if kind == "arrowhead":
            kernel.mass_matrix_adapter = ArrowheadMassMatrix()
    mcmc = MCMC(kernel, num_samples=draws, warmup_steps=600, disable_progbar=True)
    mcmc.run()
    found = mcmc.get_samples(group_by_chain=True)
    assert is_near(found["a"], torch.tensor(0.0))
    assert is_near(found["a"].square(), torch.tensor(1.0))
    assert is_near(found["b"].square(), torch.full((3,), 4.25))
    assert is_near(found["a"].unsqueeze(-1) * found["b"], torch.full((3,), 2.0))


def test_the_warm_up_finds_variances():
    scales = torch.tensor([0.1, 1.0, 10.0])
    virgil.set_rng_seed(2)
    kernel = NUTS(lambda: virgil.sample("x", dist.Normal(torch.zeros(3), scales).to_event(1)))
    MCMC(kernel, num_samples=1, warmup_steps=1000, disable_progbar=True).run()
    ratio = kernel.inverse_mass_matrix["x",] / scales.square()
    assert bool(
        ((ratio > 0.6) & (ratio < 1.6)).all()
    )  # 500 draws: twelve standard deviations of 0.06 each way, and more


def test_a_discrete_variable_is_summed_out():
    data = torch.tensor([-1.0, 0.2, 3.1, 2.8])

    def model(data):
        share = virgil.sample("share", dist.Beta(2.0, 2.0))
        with virgil.plate("data", len(data)):
            z = virgil.sample("z", dist.Bernoulli(share))
            virgil.sample("x", dist.Normal(3.0 * z, 1.0), obs=data)

    grid = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    likely = dist.Normal(torch.tensor([[0.0], [3.0]]), 1.0).log_prob(data).exp().double()
    weight = grid * (1 - grid) * torch.stack([1 - grid, grid], 1).mm(likely).prod(1)
    mean = (weight * grid).sum() / weight.sum()
    virgil.set_rng_seed(3)
    mcmc = MCMC(NUTS(model), num_samples=1000, warmup_steps=300, disable_progbar=True)
    mcmc.run(data)
    assert set(mcmc.get_samples()) == {"share"}
    assert is_near(mcmc.get_samples(group_by_chain=True)["share"], mean)


def test_a_support_that_moves_with_another_variable():
    def model():
        width = virgil.sample("width", dist.Gamma(3.0, 1.0))
        virgil.sample("x", dist.Uniform(0.0, width))

    virgil.set_rng_seed(4)
    mcmc = MCMC(NUTS(model), num_samples=600, warmup_steps=300, disable_progbar=True)
    mcmc.run()
    found = mcmc.get_samples(group_by_chain=True)
    assert bool((found["x"] < found["width"]).all())
    assert is_near(found["x"], torch.tensor(1.5))


def test_regions_without_a_density_are_left_out():
    def potential(z):
        if z["x"] > 1.0:
            raise ValueError("outside")
        return torch.where(z["x"] < -1.0, torch.nan, 0.5 * z["x"] ** 2)

    virgil.set_rng_seed(1)
    mcmc = MCMC(NUTS(potential_fn=potential), 1500, 300, {"x": torch.tensor(0.2)}, disable_progbar=True)
    mcmc.run()
    x = mcmc.get_samples(group_by_chain=True)["x"]
    assert float(x.abs().max()) <= 1.0
    assert is_near(x.square(), torch.tensor(stats.truncnorm(-1, 1).var()))


def test_a_funnel_diverges_and_the_check_says_so():
    def model():
        scale = virgil.sample("scale", dist.Normal(0.0, 3.0))
        virgil.sample("x", dist.Normal(torch.zeros(9), (scale / 2).exp()).to_event(1))

    virgil.set_rng_seed(0)
    mcmc = MCMC(NUTS(model), num_samples=400, warmup_steps=200, disable_progbar=True)
    mcmc.run()
    counted = mcmc.diagnostics()["divergences"]["chain 0"]
    assert len(counted) > 0
    assert all(0 <= step < 400 for step in counted)
    check = mcmc.check()
    assert not check.is_trusted
    assert f"{len(counted)} of 400 steps diverged" in str(check)


def test_a_kernel_of_your_own():
    class Shift(MCMCKernel):
        """An autoregression of which the standard normal is the stationary distribution."""

        def __init__(self):
            self.state, self.calls = {"x": torch.zeros(2)}, []

        def setup(self, warmup_steps, *args, **kwargs):
            self.calls.append(("setup", warmup_steps, args, kwargs))

        @property
        def initial_params(self):
            return self.state

        @initial_params.setter
        def initial_params(self, params):
            self.state = params

        def sample(self, params):
            return {"x": 0.6 * params["x"] + 0.8 * torch.randn(2)}

        def end_warmup(self):
            self.calls.append("end")

    virgil.set_rng_seed(0)
    kernel = Shift()
    mcmc = MCMC(kernel, num_samples=2000, warmup_steps=50, disable_progbar=True)
    mcmc.run(1, key=2)
    assert kernel.calls == [("setup", 50, (1,), {"key": 2}), "end"]
    x = mcmc.get_samples(group_by_chain=True)["x"]
    assert is_near(x, torch.zeros(2))
    assert is_near(x.square(), torch.ones(2))


ERRORS = [
    (lambda: NUTS(), "NUTS takes a model or a potential_fn, one of the two; it got neither"),
    (lambda: HMC(print, print), "it got both"),
    (lambda: NUTS(print, target_accept_prob=1.0), "got target_accept_prob=1.0; it lies between 0 and 1"),
    (lambda: NUTS(print, max_tree_depth=0), "NUTS got max_tree_depth=0; it takes a number from 1"),
    (lambda: HMC(print).sample({}), "HMC.sample() came before setup()"),
    (lambda: MCMC(NUTS(potential_fn=print), 3).run(), "does not know where to begin. Give MCMC(initial_params={...})"),
    (
        lambda: run(NUTS(potential_fn=lambda z: 1.0), {"x": torch.zeros(())}),
        "potential_fn returned 1.0; it must return",
    ),
    (
        lambda: run(NUTS(potential_fn=lambda z: z["x"].log()), {"x": -torch.ones(())}),
        "begins at a place where the log-density is not finite",
    ),
    (lambda: run(NUTS(counts)), "Site 'n' is discrete (Poisson) and cannot be summed out"),
    (lambda: run(NUTS(normal, full_mass=[("y",)])), "'y' is no variable of the chain. The variables are x"),
    (lambda: run(NUTS(normal, full_mass=[("x",), ("x",)])), "'x' is in another block"),
    (lambda: run(NUTS(normal, transforms={"y": torch.distributions.transforms.identity_transform})), "transforms= has"),
    (lambda: run(NUTS(normal), {"x": torch.zeros(2)}), "'x' of shape (2,); a chain takes the unconstrained shape ()"),
    (lambda: run(NUTS(normal), {"z": torch.zeros(())}), "The state of a chain has no 'x'; it has z"),
    (lambda: RandomWalkKernel(normal, init_step_size=0.0), "got init_step_size=0.0; it must be positive"),
    (lambda: setattr(NUTS(normal), "mass_matrix_adapter", 3), "mass_matrix_adapter is an int"),
    (lambda: run(NUTS(nowhere)), "A chain found no place to begin"),
]


def run(kernel, initial=None):
    MCMC(kernel, num_samples=3, warmup_steps=1, initial_params=initial, disable_progbar=True).run()


def normal():
    virgil.sample("x", dist.Normal(0.0, 1.0))


def counts():
    virgil.sample("x", dist.Normal(virgil.sample("n", dist.Poisson(3.0)), 1.0))


def nowhere():
    virgil.factor("f", virgil.sample("x", dist.Normal(0.0, 1.0)) * -math.inf)


@pytest.mark.parametrize(("call", "text"), ERRORS, ids=[text for _, text in ERRORS])
def test_errors_say_what_to_do(call, text):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert text in str(caught.value)
