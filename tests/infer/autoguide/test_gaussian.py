"""``AutoGaussian``: the zeros of the posterior's precision, and the posterior itself where that is normal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from tests.infer.autoguide.largest import Largest
from tests.infer.autoguide.setting import set_blocks
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import AutoGaussian
from virgil.infer.density.posterior_of import posterior_of


def chain() -> None:
    level: Tensor | float = 0.0
    for t in range(6):
        level = virgil.sample(f"level_{t}", dist.Normal(level, 1.0 + 0.1 * t))
        virgil.sample(f"x_{t}", dist.Normal(level, 0.7), obs=torch.tensor(float(t % 3)))


def grid() -> None:
    field: dict[tuple[int, int], Tensor] = {}
    for i in range(4):
        for j in range(4):
            near = [field[each] for each in ((i - 1, j), (i, j - 1)) if each in field]
            field[i, j] = virgil.sample(f"f_{i}{j}", dist.Normal(0.4 * sum(near, torch.tensor(0.0)), 1.0))
            virgil.sample(f"x_{i}{j}", dist.Normal(field[i, j], 0.5), obs=torch.tensor(float(i - j)))


def hierarchy() -> None:
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    slope = virgil.sample("slope", dist.Normal(mu, 2.0))
    with virgil.plate("groups", 5):
        effect = virgil.sample("effect", dist.Normal(torch.stack([mu, slope]), 1.0).to_event(1))
        extra = virgil.sample("extra", dist.Normal(effect.sum(-1), 0.5))
        virgil.sample("x", dist.Normal(extra + slope, 1.0), obs=torch.arange(5.0))


def indexed() -> None:
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    with virgil.plate("groups", 4):
        intercept = virgil.sample("intercept", dist.Normal(mu, 1.0))
        slope = virgil.sample("slope", dist.Normal(0.0, 1.0))
    group = torch.tensor([0, 1, 2, 3, 0, 2, 2])
    with virgil.plate("data", 7):
        virgil.sample("x", dist.Normal(intercept[group] + 0.3 * slope[group], 1.0), obs=torch.arange(7.0))


def nested() -> None:
    with virgil.plate("outer", 3, dim=-2):
        mean = virgil.sample("mean", dist.Normal(0.0, 1.0))
        with virgil.plate("inner", 4, dim=-1):
            each = virgil.sample("each", dist.Normal(mean, 1.0))
            virgil.sample("x", dist.Normal(each, 1.0), obs=torch.arange(12.0).reshape(3, 4))


def crossed() -> None:
    people, items = virgil.plate("people", 4, dim=-2), virgil.plate("items", 3, dim=-1)
    with people:
        ability = virgil.sample("ability", dist.Normal(0.0, 1.0))
    with items:
        ease = virgil.sample("ease", dist.Normal(0.0, 1.0))
    with people, items:
        virgil.sample("x", dist.Normal(ability + ease, 1.0), obs=torch.arange(12.0).reshape(4, 3) / 4)


def summed() -> None:
    with virgil.plate("steps", 5):
        step = virgil.sample("step", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(step.cumsum(-1), 1.0), obs=torch.arange(5.0))


def partly() -> None:
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("slots", 4):
        seen = torch.tensor([True, False, True, False])
        x = virgil.sample("x", dist.Normal(mu, 1.5), obs=torch.tensor([1.0, 0.0, 3.0, 0.0]), obs_mask=seen)
        virgil.sample("y", dist.Normal(x, 0.5), obs=torch.ones(4))


# numbers of the lower triangle of the precision, or of its Cholesky factor, that are not on its diagonal and not zero
ENTRIES = {
    chain: 5,  # each but one level, and the one before
    hierarchy: 1 + 5 * (2 * 2 + 1 + 3),  # mu and slope; effect and these, and itself; extra, and effect and slope
    indexed: 4 + 4 * 2 - 4,  # slope and intercept meet in each group, and intercept and mu
    nested: 3 * 4,
    crossed: 4 * 3 + 3,  # ability and ease; ease, once ability is summed out
    summed: 5 * 4 // 2,
}
MODELS = (*ENTRIES, grid, partly)
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def exact(model: Callable[[], None]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and precision of a normal posterior, and the evidence, from derivatives of the joint log-density."""
    density = posterior_of(model, (), {})
    size = AutoGaussian(model)
    size()
    zeros = torch.zeros(len(size.get_posterior().mean))
    precision = -torch.autograd.functional.hessian(density, zeros)
    mean = torch.linalg.solve(precision, torch.autograd.functional.jacobian(density, zeros))
    log_volume = 0.5 * len(zeros) * torch.log(torch.tensor(2 * torch.pi)) - 0.5 * torch.logdet(precision)
    return mean, precision, density(mean) + log_volume


@each_model
@pytest.mark.parametrize("vectorized", [False, True])
def test_at_the_posterior_each_draw_gives_the_evidence(model, vectorized):
    torch.set_default_dtype(torch.float64)
    mean, precision, evidence = exact(model)
    guide = AutoGaussian(model)
    guide()
    set_blocks(guide, mean, precision.inverse())
    torch.testing.assert_close(guide.get_posterior().precision_matrix, precision)
    for objective in (Trace_ELBO, TraceMeanField_ELBO):
        loss = objective(num_particles=3, vectorize_particles=vectorized).loss(model, guide)
        assert loss == pytest.approx(-evidence.item(), abs=1e-8)


@pytest.mark.parametrize("model", ENTRIES, ids=lambda model: model.__name__)
def test_there_is_one_parameter_for_each_entry_of_the_precision(model):
    guide = AutoGaussian(model)
    guide()
    below = sum(
        each.shape[-1] * (each.shape[-1] - 1) // 2 * each.shape[:-2].numel() for each in guide.factors.parameters()
    )
    assert below + sum(each.numel() for each in guide.weights.parameters()) == ENTRIES[model]


def test_a_grid_is_summed_out_from_its_corners():
    guide = AutoGaussian(grid)
    guide()
    # the order along rows, without which a band of four numbers would be joined with each of them
    along_rows = sum(min(at, 4) for at in range(16))
    entries = sum(each.numel() for each in guide.weights.parameters())
    assert 24 <= entries < along_rows
    posterior = guide.get_posterior()
    assert posterior.mean.shape == (16,)


@each_model
def test_quantiles_are_those_of_the_marginals(model):
    torch.set_default_dtype(torch.float64)
    guide = AutoGaussian(model)
    guide()
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    posterior, median = guide.get_posterior(), guide.median()
    low = guide.quantiles([0.1, 0.5])
    sd = torch.cat(
        [
            (
                (low[each.name][1] - low[each.name][0]).flatten()
                if each.latent_entries is None
                else (low[each.name][1] - low[each.name][0])[each.latent_entries]
            )
            for each in guide.latents
        ]
    )
    torch.testing.assert_close(sd, -dist.Normal(0.0, 1.0).icdf(torch.tensor(0.1)) * posterior.stddev)
    assert all(torch.equal(median[name], low[name][1]) for name in median)


def many(subsample_size: int | None = None) -> None:
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
    with virgil.plate("slots", 10_000, subsample_size=subsample_size):
        x = virgil.sample("x", dist.Normal(mu, scale))
        y = virgil.sample("y", dist.Normal(x, 1.0))
        virgil.sample("z", dist.Normal(y, 1.0), obs=torch.tensor(1.0))


@pytest.mark.parametrize("subsample_size", [None, 10])
def test_a_large_plate_takes_memory_by_the_slot(subsample_size):
    guide = AutoGaussian(many)
    with Largest() as largest:
        svi = SVI(many, guide, virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
        losses = [svi.step(subsample_size) for _ in range(2)]
        quantiles = guide.quantiles([0.1, 0.9])
    assert all(torch.tensor(losses).isfinite())
    assert bool((quantiles["x"][1] > quantiles["x"][0]).all())
    assert largest.numbers < 30 * 10_000


def test_a_mini_batch_is_drawn_from_the_same_distribution():
    """The slots and their conditionals are alike: the bound of each draw and each mini-batch is the evidence."""
    torch.set_default_dtype(torch.float64)

    def model(subsample_size=None):
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        with virgil.plate("slots", 6, subsample_size=subsample_size):
            x = virgil.sample("x", dist.Normal(mu, 1.0))
            virgil.sample("y", dist.Normal(x, 1.0), obs=torch.tensor(1.0))

    mean, precision, evidence = exact(model)
    guide = AutoGaussian(model)
    guide()
    set_blocks(guide, mean, precision.inverse())
    for vectorized in (False, True):
        elbo = Trace_ELBO(num_particles=3, vectorize_particles=vectorized)
        assert elbo.loss(model, guide, 2) == pytest.approx(-evidence.item(), abs=1e-8)


def half_seen(size: int | None = None) -> None:
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    seen = torch.tensor([True, False, True, False])
    with virgil.plate("slots", 4, subsample_size=size) as index:
        x = virgil.sample("x", dist.Normal(mu, 1.5), obs=torch.ones(4)[index], obs_mask=seen[index])
        virgil.sample("y", dist.Normal(x, 0.5), obs=torch.ones(len(index)))


def test_a_mini_batch_has_the_slots_of_it_that_are_data():
    """The conditionals of the slots are exact: what a bound has of a slot depends on whether it is data alone."""
    torch.set_default_dtype(torch.float64)
    mean, precision, evidence = exact(half_seen)
    guide = AutoGaussian(half_seen)
    guide()
    set_blocks(guide, mean, precision.inverse())
    assert Trace_ELBO().loss(half_seen, guide, 4) == pytest.approx(-evidence.item(), abs=1e-8)
    for _ in range(4):
        trace = poutine.trace(guide).get_trace(2)
        index = trace.nodes["slots"].value
        assert torch.equal(trace.nodes["x_unobserved"].value == 0.0, index % 2 == 0)
        assert bool(torch.isfinite(torch.tensor(Trace_ELBO().loss(half_seen, guide, 2))))
    with pytest.raises(ArgumentError, match=r"'x_unobserved' is data in some slots of plate 'slots'.* 2 of 4 slots"):
        AutoGaussian(half_seen)(2)


def test_joined_slots_cannot_be_drawn_alone():
    def model(size=None):
        with virgil.plate("steps", 5, subsample_size=size) as index:
            step = virgil.sample("step", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(step.cumsum(-1), 1.0), obs=torch.arange(5.0)[index])

    guide = AutoGaussian(model)
    guide()
    with pytest.raises(ArgumentError, match="'step' is in plate 'steps', of which this call uses 2 of 5 slots"):
        guide(2)
    fresh = AutoGaussian(model)
    with pytest.raises(ArgumentError, match=r"AutoGaussian joins the slots, since the model does not treat them apart"):
        fresh(2)
    assert fresh()["step"].shape == (5,)


def test_another_backend_is_refused():
    assert AutoGaussian(chain, backend="funsor")().keys() == AutoGaussian(chain, backend="dense")().keys()
    with pytest.raises(ArgumentError, match=r"AutoGaussian got backend='jax'; it takes None, 'dense' or 'funsor'"):
        AutoGaussian(chain, backend="jax")


@pytest.mark.long
@pytest.mark.parametrize(
    "model",
    [hierarchy, *(pytest.param(model, marks=pytest.mark.thorough) for model in (chain, grid))],
    ids=lambda model: model.__name__,
)
def test_a_fit_reaches_the_evidence(model):
    """Near the optimum a draw's bound has nearly no spread: the mean of the last losses is within 0.05 nats."""
    evidence = exact(model)[2]
    guide = AutoGaussian(model)
    optim = virgil.optim.ClippedAdam({"lr": 0.05, "lrd": 0.002 ** (1 / 800)})
    fit = SVI(model, guide, optim, Trace_ELBO(num_particles=16, vectorize_particles=True)).run(800, progress=False)
    assert abs(fit.tail_loss()[0] + evidence.item()) < 0.05
