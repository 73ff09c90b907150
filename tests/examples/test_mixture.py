"""The mixture demo: its sums in numpy, what it claims about guides, and the demo from end to end."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import virgil
from virgil.examples import mixture
from virgil.examples.data.faithful import load
from virgil.examples.mixture_answers import full_guide, outcomes, refit, sampling_too, two_bounds
from virgil.examples.mixture_model import best_start, fit, model, point_guide
from virgil.infer import TraceEnum_ELBO

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def eruptions():
    return load()


@pytest.fixture(scope="module")
def start(eruptions):
    return best_start(eruptions.data, 0)[0]


@pytest.fixture
def points(eruptions, start):
    """The fitted guide, its parameters in this test's store."""
    virgil.clear_param_store()
    guide = point_guide(start)
    fit(guide, eruptions.data, 250)
    return guide


def _log_joint(guide, data):
    """Points, and the logarithm of each kind's share times its density. Shape: ``(272, kinds)``."""
    values = {name: value.double().numpy() for name, value in guide.median().items()}
    x = data.double().numpy()[:, None]
    z = (x - values["locs"]) / values["scale"]
    density = -0.5 * (z**2).sum(-1) - np.log(values["scale"]).sum() - math.log(2 * math.pi)
    return values, np.log(values["weights"]) + density


def _log_sum(logs):
    highest = logs.max(-1, keepdims=True)
    return highest[..., 0] + np.log(np.exp(logs - highest).sum(-1))


def _log_prior(values):
    weights, scale, locs = (values[name] for name in ("weights", "scale", "locs"))
    shares = -0.5 * np.log(weights).sum() - math.log(math.pi)  # Beta(1/2, 1/2) has the normaliser pi
    spread = -0.5 * (np.log(scale) / 2) ** 2 - np.log(scale) - math.log(2 * math.sqrt(2 * math.pi))
    places = -0.5 * (locs / 10) ** 2 - math.log(10 * math.sqrt(2 * math.pi))
    return shares + spread.sum() + places.sum()


def test_the_table_is_the_published_one(eruptions):
    """Means, extremes and the number of rows as summaries of the data give them."""
    assert eruptions.minutes.shape == (272, 2)
    assert eruptions.minutes.mean(0).tolist() == pytest.approx([3.488, 70.90], abs=5e-3)
    assert eruptions.minutes.min(0).values.tolist() == pytest.approx([1.6, 43.0])
    assert eruptions.minutes.max(0).values.tolist() == pytest.approx([5.1, 96.0])
    torch.testing.assert_close(eruptions.in_minutes(eruptions.data), eruptions.minutes)


def test_the_loss_is_a_log_sum_of_exponentials_and_the_prior(eruptions, points):
    values, logs = _log_joint(points, eruptions.data)
    expected = -_log_sum(logs).sum() - _log_prior(values)
    assert TraceEnum_ELBO().loss(model, points, eruptions.data) == pytest.approx(expected, rel=1e-5)


def test_the_fit_is_a_fixed_point_of_expectation_maximisation(eruptions, points):
    values, logs = _log_joint(points, eruptions.data)
    memberships = np.exp(logs - _log_sum(logs)[:, None])
    counts = memberships.sum(0)
    places = memberships.T @ eruptions.data.double().numpy()
    ridge = values["scale"] ** 2 / 10**2  # what the prior of the places adds, in eruptions
    np.testing.assert_allclose(values["locs"], places / (counts[:, None] + ridge), atol=2e-3)
    # in unconstrained coordinates shares have no boundary, and their stationary point is this
    np.testing.assert_allclose(values["weights"], (counts - 0.5) / (counts.sum() - 1), atol=2e-3)


def test_the_gap_of_the_bounds_is_the_divergence_of_the_memberships(eruptions, points):
    values, logs = _log_joint(points, eruptions.data)
    posterior = logs - _log_sum(logs)[:, None]
    for guide, guess in (
        (sampling_too(points), values["weights"]),
        (full_guide(points), np.full(2, 0.5)),
    ):
        bounds = two_bounds(points, guide, eruptions.data)
        expected = (guess * (np.log(guess) - posterior)).sum()
        assert bounds.gap == pytest.approx(expected, rel=1e-4)
        assert bounds.divergence == pytest.approx(expected, rel=1e-4)


def test_memberships_by_three_routes(eruptions, points):
    _, logs = _log_joint(points, eruptions.data)
    kinds = mixture.membership(points, eruptions.data, steps=300)
    np.testing.assert_array_equal(kinds.likeliest.numpy(), logs.argmax(-1))
    np.testing.assert_allclose(kinds.probs.numpy(), np.exp(logs - _log_sum(logs)[:, None]), atol=1e-4)
    np.testing.assert_allclose(kinds.learned.numpy(), kinds.probs.numpy(), atol=0.02)
    assert 0 < two_bounds(points, full_guide(points), eruptions.data).gap < 5, "the looser bound has been closed"


def test_a_guide_by_hand_is_the_same_and_one_that_samples_too_is_not(eruptions, start):
    data = eruptions.data
    virgil.clear_param_store()
    fitted = fit(point_guide(start), data, 100)
    by_hand, misled = refit(data, start, 100)
    torch.testing.assert_close(by_hand.losses, fitted.losses)
    # the best that memberships can do which know nothing of the data: one kind in two places
    assert misled.losses[-1] > fitted.losses[-1] + 300
    torch.testing.assert_close(misled.params["AutoDelta.locs"], torch.zeros(2, 2), atol=0.01, rtol=0)


def test_what_is_an_error_and_what_is_not(eruptions, points):
    kinds = {about: outcome.split()[0] for about, outcome in outcomes(points, eruptions.data)}
    assert kinds == {
        "'assignment' left out, TraceEnum_ELBO": "fine;",
        "'assignment' in the guide too": "fine;",
        "'assignment' left out, Trace_ELBO": "MismatchError:",
        "'weights' left out": "MismatchError:",
        "no sample statement at all": "MismatchError:",
        "'weights' that sum to 1.1": "SupportError:",
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_find_the_same_kinds(eruptions, seed):
    virgil.clear_param_store()
    guide = point_guide(best_start(eruptions.data, seed)[0])
    assert fit(guide, eruptions.data, 150).losses[-1].item() == pytest.approx(427.7, abs=0.1)


def test_the_demo_answers_every_question_and_draws(tmp_path, capsys):
    mixture.main(steps=30, out=tmp_path)
    printed = capsys.readouterr().out
    for question in (
        "When may a site be left out of the guide?",
        "Why may 'assignment' be left out?",
        "What if the guide samples 'assignment' too?",
        "What does AutoDelta return",
    ):
        assert question in printed
    assert (tmp_path / "mixture.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "mixture-model.svg").read_text()


def test_the_demo_bears_a_single_step(tmp_path, capsys):
    mixture.main(steps=1, out=tmp_path)
    assert "What does AutoDelta return" in capsys.readouterr().out  # the last question
    assert (tmp_path / "mixture.png").read_bytes().startswith(b"\x89PNG")
