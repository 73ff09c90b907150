"""Eight schools: the reference by another route, and the demo from end to end."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import virgil
from virgil import poutine
from virgil.examples import schools
from virgil.examples.reports.schools import LOG_EVIDENCE, REFERENCE


def _quadrature(points=20_000):
    """Log evidence, and moments of mu and tau.

    Given tau all is normal, and tau under its prior is ``5 tan(pi u / 2)`` of a uniform u.
    """
    effects, errors = schools.EFFECTS.double().numpy(), schools.ERRORS.double().numpy()
    tau = 5 * np.tan(np.pi / 2 * (np.arange(points) + 0.5) / points)
    variance = errors**2 + tau[:, None] ** 2
    precision = 1 / 25 + (1 / variance).sum(1)
    mean = (effects / variance).sum(1) / precision
    log_likelihood = (
        -0.5 * np.log(2 * np.pi * variance).sum(1)
        - 0.5 * (effects**2 / variance).sum(1)
        - 0.5 * np.log(25 * precision)
        + 0.5 * mean**2 * precision
    )
    highest = log_likelihood.max()
    weight = np.exp(log_likelihood - highest)
    log_evidence = highest + math.log(weight.mean())
    weight /= weight.sum()

    def moments(first, second):
        average = (weight * first).sum()
        return average, math.sqrt((weight * second).sum() - average**2)

    return log_evidence, {"mu": moments(mean, 1 / precision + mean**2), "tau": moments(tau, tau**2)}


def test_the_reference_agrees_with_quadrature():
    log_evidence, moments = _quadrature()
    assert log_evidence == pytest.approx(LOG_EVIDENCE, abs=1e-3)
    for site, (mean, sd) in moments.items():
        # 10,000 draws with an effective size of at least 4,000: 4 standard errors of the mean are 0.063 sd
        assert REFERENCE[site][0] == pytest.approx(mean, abs=0.063 * sd)
        assert REFERENCE[site][1] == pytest.approx(sd, rel=0.063)


def test_the_models_joint_density_is_that_of_the_mathematics():
    values = {"mu": torch.tensor(2.0), "tau": torch.tensor(3.0), "z": torch.linspace(-1.0, 1.0, 8)}
    trace = poutine.trace(poutine.condition(schools.model, values)).get_trace(schools.ERRORS, schools.EFFECTS)

    def log_normal(x, loc, scale):
        return (-0.5 * ((x - loc) / scale) ** 2 - torch.log(scale * math.sqrt(2 * math.pi))).sum()

    one = torch.tensor(1.0)
    expected = (
        log_normal(values["mu"], 0.0, 5 * one)
        + math.log(2 / (math.pi * 5 * (1 + (3 / 5) ** 2)))
        + log_normal(values["z"], 0.0, one)
        + log_normal(schools.EFFECTS, 2 + 3 * values["z"], schools.ERRORS)
    )
    torch.testing.assert_close(trace.log_prob_sum(), expected)


def test_the_demo_prints_both_guides_and_draws_them(tmp_path, capsys):
    schools.main(steps=30, out=tmp_path / "pictures")
    printed = capsys.readouterr().out
    for words in ("AutoNormal, 30 steps", "AutoMultivariateNormal, 30 steps", "4.41", "3.60", "3.31", "3.20"):
        assert words in printed
    picture = tmp_path / "pictures" / "schools.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_short_fit_comes_near_the_reference():
    virgil.set_rng_seed(0)
    answer = schools.fit_guide(schools.AutoMultivariateNormal(schools.model), 800)
    mean, sd = answer.moments("mu")
    assert mean == pytest.approx(REFERENCE["mu"][0], abs=0.5)
    assert sd == pytest.approx(REFERENCE["mu"][1], rel=0.15)
    error = answer.bounds.std().item() / math.sqrt(len(answer.bounds))
    assert -4 * error < answer.gap < 0.5  # a bound from below, and not far
