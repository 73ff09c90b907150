"""Predictive: shapes, the law of what it draws, and its errors."""

import numpy as np
import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, FitWarning
from virgil.infer import Predictive
from virgil.infer.density import vectorize

both = pytest.mark.parametrize("parallel", [False, True])


def nested(size=5, data=None):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("groups", 3, dim=-2):
        share = virgil.sample("share", dist.Dirichlet(torch.ones(2)))
        with virgil.plate("data", size, dim=-1):
            x = virgil.sample("x", dist.Normal(mu + share[..., 0], 1.0), obs=data)
    virgil.deterministic("double", 2 * mu)
    return x


def nested_guide(size=5, data=None):
    virgil.sample("mu", dist.Normal(10.0, 0.001))
    with virgil.plate("groups", 3, dim=-2):
        virgil.sample("share", dist.Delta(torch.tensor([0.25, 0.75]).expand(3, 1, 2), event_dim=1))


@both
def test_shapes_are_those_of_one_draw_behind_the_number_of_draws(parallel):
    sites = ("mu", "share", "x", "double", "_RETURN")
    draws = Predictive(nested, num_samples=7, parallel=parallel, return_sites=sites)()
    shapes = {name: tuple(value.shape) for name, value in draws.items()}
    assert shapes == {"mu": (7,), "share": (7, 3, 1, 2), "x": (7, 3, 5), "double": (7,), "_RETURN": (7, 3, 5)}
    assert torch.equal(draws["double"], 2 * draws["mu"])
    assert torch.equal(draws["x"], draws["_RETURN"])


@both
@pytest.mark.parametrize("count", [1, 3, 5])  # also the sizes of the plates, which a wrong reshape would confuse
def test_given_samples_are_used_and_left_out_of_the_result(parallel, count):
    given = {"mu": torch.arange(float(count)), "share": torch.tensor([0.5, 0.5]).expand(count, 3, 1, 2)}
    draws = Predictive(nested, given, parallel=parallel)(size=5)
    assert set(draws) == {"x", "double"}
    assert torch.equal(draws["double"], 2 * given["mu"])
    observed = Predictive(nested, given, parallel=parallel)(5, torch.ones(3, 5))
    assert torch.equal(observed["x"], torch.ones(count, 3, 5))


@both
def test_a_guide_draws_the_latent_variables(parallel):
    draws = Predictive(nested, guide=nested_guide, num_samples=4, parallel=parallel)()
    assert torch.allclose(draws["mu"], torch.full((4,), 10.0), atol=0.01)
    assert torch.equal(draws["share"], torch.tensor([0.25, 0.75]).expand(4, 3, 1, 2))


@both
def test_posterior_predictive_moments(parallel):
    """x = mu + noise with mu ~ N(1, 0.5): mean 1 and variance 1.25. 20,000 draws, |z| < 4.5: false alarm below 1e-5."""
    virgil.set_rng_seed(0)

    def model():
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(mu, 1.0))

    count = 20_000 if parallel else 2_000
    x = Predictive(model, {"mu": 1.0 + 0.5 * torch.randn(count)}, parallel=parallel)()["x"]
    assert abs(x.mean().item() - 1.0) < 4.5 * (1.25 / count) ** 0.5
    assert abs(x.var().item() - 1.25) < 4.5 * 1.25 * (2 / count) ** 0.5


def test_a_subsampled_plate_of_the_guide_gives_the_model_its_indices():
    def model(data):
        with virgil.plate("data", 10, 4) as indices:
            virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.deterministic("indices", indices)

    seen = []

    def guide(data):
        with virgil.plate("data", 10, 4) as indices:
            seen.append(indices)
            virgil.sample("z", dist.Normal(0.0, 1.0))

    draws = Predictive(model, guide=guide, num_samples=3)(None)
    assert torch.equal(draws["indices"], torch.stack(seen))


def test_no_gradients_are_kept():
    weight = torch.tensor(1.0, requires_grad=True)
    draws = Predictive(lambda: virgil.sample("x", dist.Normal(weight, 1.0)), num_samples=2)()
    assert not draws["x"].requires_grad


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs num_samples"),
        ({"num_samples": 0}, "num_samples=0"),
        ({"num_samples": 3, "posterior_samples": {"mu": torch.zeros(2)}}, "holds 2 draws"),
        ({"posterior_samples": {"mu": torch.zeros(2), "share": torch.zeros(3)}}, "different numbers of draws"),
        (
            {"num_samples": 2, "guide": nested_guide, "posterior_samples": {"mu": torch.zeros(2)}},
            "both guide and posterior_samples",
        ),
        ({"num_samples": 2, "return_sites": "mu"}, r"takes a list, \['mu'\]"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Predictive(nested, **arguments)


def test_an_unknown_site_to_return_names_the_closest():
    with pytest.raises(ArgumentError, match="Did you mean 'share'"):
        Predictive(nested, num_samples=1, return_sites=["shares"])()


def reads_another_draw():
    w = virgil.sample("w", dist.Normal(torch.zeros(1), 3.0).to_event(1))
    with virgil.plate("n", 30):
        virgil.sample("y", dist.Normal(w[0] * torch.ones(30), 0.01))


def loses_the_draws():
    x = virgil.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    virgil.deterministic("first", x[0])  # index from the left: the draw, not the entry


def branches():
    if virgil.sample("x", dist.Normal(0.0, 1.0)) > 0:
        virgil.deterministic("y", torch.tensor(1.0))
    else:
        virgil.deterministic("y", torch.tensor(-1.0))


def is_random_elsewhere():
    virgil.sample("x", dist.Normal(torch.randn(()), 0.01))


def is_random_by_numpy():
    virgil.sample("x", dist.Normal(np.random.standard_normal(), 0.01))


@pytest.mark.parametrize("model", [reads_another_draw, loses_the_draws, is_random_elsewhere])
def test_a_model_that_indexes_from_the_left_sees_one_draw(model):
    draws = Predictive(model, num_samples=40, parallel=True)()
    if model is reads_another_draw:
        assert (draws["y"] - draws["w"]).abs().max() < 0.1  # 10 standard deviations
    elif model is loses_the_draws:
        assert torch.equal(draws["first"], draws["x"][:, 0])
    else:  # each draw has its own noise: 40 draws alike within 0.2 have a chance below 1e-30
        assert draws["x"].std() > 0.2


@pytest.mark.parametrize(
    ("model", "reason"), [(branches, "ambiguous, after site 'x'"), (is_random_by_numpy, "random numbers besides")]
)
def test_a_model_that_reads_values_or_other_noise_runs_one_by_one_with_a_warning(model, reason):
    with pytest.warns(FitWarning, match=f"draws one by one.*{reason}"):
        draws = Predictive(model, num_samples=40, parallel=True)()
    if model is branches:
        assert torch.equal(draws["y"], draws["x"].sign())
    else:  # as above
        assert draws["x"].std() > 0.2


def test_a_value_that_is_not_asked_for_may_be_of_any_shape():
    draws = Predictive(loses_the_draws, num_samples=5, parallel=True, return_sites=["x"])()
    assert draws["x"].shape == (5, 2)


def test_samples_by_draw_reach_their_own_draw():
    given = {"w": torch.arange(6.0).reshape(6, 1)}
    draws = Predictive(reads_another_draw, given, parallel=True)()
    assert (draws["y"] - given["w"]).abs().max() < 0.1


def test_draws_at_once_are_made_in_chunks(monkeypatch):
    """A bound on the elements of an execution gives the same shapes, and each draw its own value."""
    monkeypatch.setattr(vectorize, "_ELEMENTS", 200)
    sizes = []

    def model():
        x = virgil.sample("x", dist.Normal(0.0, 1.0))
        sizes.append(x.numel())
        virgil.deterministic("double", 2 * x)

    draws = Predictive(model, num_samples=100, parallel=True)()
    assert max(sizes) < 100
    assert draws["x"].shape == (100,)
    assert len(draws["x"].unique()) == 100
    assert torch.equal(draws["double"], 2 * draws["x"])


def test_a_result_that_is_no_tensor_is_refused():
    with pytest.raises(ArgumentError, match="only tensors can be stacked"):
        Predictive(lambda: None, num_samples=1, return_sites=["_RETURN"])()


def test_a_site_that_some_executions_lack_is_named():
    def rounds():
        for i in virgil.plate("rounds", 100, subsample_size=2):
            virgil.sample(f"x_{i}", dist.Normal(0.0, 1.0))
        virgil.sample("after", dist.Normal(0.0, 1.0))

    with pytest.raises(
        ArgumentError, match=r"site 'x_\d+' in some executions of the model and not in others.*return_s"
    ):
        Predictive(rounds, num_samples=20)()
    assert len(Predictive(rounds, num_samples=20, return_sites=["after"])()["after"]) == 20


@pytest.mark.parametrize("samples", [torch.ones(50, 3), torch.randn(50, 3, generator=torch.Generator().manual_seed(0))])
def test_draws_that_are_equal_are_told_apart_by_their_shapes(samples):
    """A sum over a vector's entries broadcasts the draws against themselves, which equal draws do not show."""
    x = torch.arange(12.0).reshape(4, 3)

    def model():
        beta = virgil.sample("beta", dist.Normal(torch.zeros(3), 1.0).to_event(1))
        with virgil.plate("rows", 4):
            virgil.sample("y", dist.Normal((x * beta.unsqueeze(-2)).sum(-1), 1e-6))

    drawn = Predictive(model, {"beta": samples}, parallel=True)()["y"]
    torch.testing.assert_close(drawn, samples @ x.T, rtol=0, atol=1e-4)
