"""Linear regression: the closed form by other routes, and the demo from end to end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from virgil import poutine
from virgil.examples import regression
from virgil.examples.data import diabetes


@pytest.fixture(scope="module")
def data():
    return diabetes.load()


def test_the_data_is_standardised(data):
    names, x, y = data
    assert len(names) == 10
    assert x.shape == (442, 10)
    assert y.shape == (442,)
    for columns in (x, y):
        torch.testing.assert_close(columns.mean(0), torch.zeros(columns.shape[1:]), atol=1e-5, rtol=0)
        torch.testing.assert_close(columns.std(0, correction=0), torch.ones(columns.shape[1:]), atol=1e-5, rtol=0)


def test_the_closed_form_agrees_with_least_squares_on_the_data_with_the_prior_as_rows(data):
    _, x, y = data
    exact = regression.exact_posterior(x, y)
    # the prior is ten more observations: each coefficient was seen to be 0 with noise 1
    rows = np.concatenate([x.double().numpy() / regression.NOISE, np.eye(10)])
    targets = np.concatenate([y.double().numpy() / regression.NOISE, np.zeros(10)])
    mean = np.linalg.lstsq(rows, targets, rcond=None)[0]
    singular = np.linalg.svd(rows, full_matrices=False)
    sd = np.sqrt(((singular.Vh / singular.S[:, None]) ** 2).sum(0))
    np.testing.assert_allclose(exact.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(exact.sd, sd, rtol=1e-9)


def test_the_closed_form_is_the_models_own_posterior(data, monkeypatch):
    """At the exact mean the model's log joint is flat, and its curvature there is the precision."""
    _, x, y = data
    monkeypatch.setattr(regression, "BATCH", 442)  # no subsampling, so that the density is exact
    exact = regression.exact_posterior(x, y)
    x, y = x.double(), y.double()

    def log_joint(beta):
        return poutine.trace(poutine.condition(regression.model, {"beta": beta})).get_trace(x, y).log_prob_sum()

    gradient = torch.autograd.functional.jacobian(log_joint, exact.mean)
    torch.testing.assert_close(gradient, torch.zeros(10, dtype=torch.double), atol=1e-6, rtol=0)
    precision = -torch.autograd.functional.hessian(log_joint, exact.mean)
    torch.testing.assert_close(torch.linalg.inv(precision).diagonal().sqrt(), exact.sd)


def test_the_demo_prints_every_coefficient_and_draws_them(tmp_path, capsys):
    regression.main(steps=1500, out=tmp_path)
    printed = capsys.readouterr().out
    names, x, y = diabetes.load()
    for name, mean in zip(names, regression.exact_posterior(x, y).mean.tolist(), strict=True):
        row = next(line for line in printed.splitlines() if line.startswith(name))
        assert f"{mean:.3f}" in row
        assert abs(float(row.split()[-1])) < 1.0, "a short fit is within one exact sd"
    assert (tmp_path / "regression.png").read_bytes().startswith(b"\x89PNG")
