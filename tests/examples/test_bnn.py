"""The Bayesian network: its density and its predictions by other routes, and the program from end to end."""

from __future__ import annotations

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.examples import bnn
from virgil.examples.data import diabetes
from virgil.examples.regression import NOISE
from virgil.examples.reports.bnn import Prediction, standard_error
from virgil.infer.autoguide import AutoNormal

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data():
    _, x, y = diabetes.load()
    return x, y


def test_every_patient_is_held_out_once_and_never_learnt_from_then():
    parts = bnn.folds(442)
    assert torch.cat([part for _, part in parts]).sort().values.tolist() == list(range(442))
    for others, part in parts:
        assert torch.cat([others, part]).sort().values.tolist() == list(range(442))


def test_the_networks_density_is_that_of_the_formula(data):
    x, y = data
    virgil.set_rng_seed(0)
    trace = poutine.trace(bnn.Network(10)).get_trace(x, y)
    v = {name: node["value"] for name, node in trace.nodes.items() if node["type"] == "sample"}
    hidden = torch.tanh(x @ v["hidden.weight"].T + v["hidden.bias"])
    mean = (x @ v["linear.weight"].T + hidden @ v["output.weight"].T + v["output.bias"])[:, 0]
    sd = v["noise"] * (v["growth"] * mean).exp()
    sds = {
        "linear.weight": 0.3,
        "hidden.weight": 10**-0.5,
        "hidden.bias": 1.0,
        "output.weight": 0.5 * bnn.HIDDEN**-0.5,
        "output.bias": 1.0,
        "growth": 0.5,
    }
    expected = sum(dist.Normal(0.0, sds[name]).log_prob(v[name]).sum() for name in sds)
    expected += dist.LogNormal(-0.5, 0.5).log_prob(v["noise"]) + dist.Normal(mean, sd).log_prob(y).sum()
    torch.testing.assert_close(trace.log_prob_sum(), expected, rtol=1e-5, atol=0)
    assert v["noise"].shape == v["growth"].shape == (), "one for all patients"


def test_a_guide_that_is_sure_predicts_by_its_one_network(data):
    x, y = data[0][:20], data[1][:20]
    virgil.set_rng_seed(0)
    network = bnn.Network(10)
    guide = AutoNormal(network, init_scale=1e-6)
    guide(x, y)
    sure = poutine.trace(virgil.condition(network, guide.median())).get_trace(x).nodes["y"]["fn"]
    prediction = bnn.predict(network, guide, x, y)
    torch.testing.assert_close(prediction.mean, sure.mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(prediction.log_density, sure.log_prob(y), rtol=0, atol=1e-3)
    torch.testing.assert_close(prediction.below, sure.cdf(y), rtol=0, atol=1e-4)
    # a quantile at 0.05 of 1,000 draws has an sd of 0.067 sds; 40 of them stay within 5 of those
    for end, level in zip(prediction.interval, (0.05, 0.95), strict=True):
        assert ((end - sure.icdf(torch.tensor(level))).abs() < 5 * 0.067 * sure.stddev).all()


def test_the_linear_prediction_is_the_conditional_of_all_targets_joint_normal(data):
    """Without coefficients: the targets are normal with covariance ``x x' + NOISE²``, and the new is given the old."""
    x, y = data[0].double(), data[1].double()
    prediction = bnn.predict_linear(data[0][:60], data[1][:60], data[0][60:65], data[1][60:65])
    covariance = x[:65] @ x[:65].T + NOISE**2 * torch.eye(65)
    gain = torch.linalg.solve(covariance[:60, :60], covariance[:60, 60:]).T
    mean = gain @ y[:60]
    variance = (covariance[60:, 60:] - gain @ covariance[:60, 60:]).diagonal()
    expected = dist.Normal(mean, variance.sqrt())
    torch.testing.assert_close(prediction.mean.double(), expected.mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(prediction.log_density.double(), expected.log_prob(y[60:65]), rtol=1e-5, atol=1e-6)
    low, high = prediction.interval.double()
    torch.testing.assert_close(expected.cdf(high) - expected.cdf(low), torch.full((5,), 0.9).double())


def test_intervals_of_a_right_distribution_hold_what_they_promise():
    below = (torch.arange(1000) + 0.5) / 1000  # what is below the observed value is uniform where the model is right
    rest = torch.zeros(1000)
    prediction = Prediction(rest, rest + 0.5, torch.zeros(2, 1000), rest, below)
    for level in (0.1, 0.5, 0.9):
        assert prediction.coverage(level) == pytest.approx(level, abs=1e-9)
    assert prediction.error == pytest.approx(0.5)
    assert standard_error(0.9, 400) == pytest.approx(0.015)


def test_predictions_are_joined_patient_by_patient():
    part = Prediction(torch.zeros(3), torch.ones(3), torch.zeros(2, 3), torch.zeros(3), torch.zeros(3))
    both = Prediction.of_all([part, part])
    assert [tuple(each.shape) for each in both] == [(6,), (6,), (2, 6), (6,), (6,)]


def test_the_program_prints_both_models_and_draws_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bnn, "DRAWS", 100)
    bnn.main(steps=300, out=tmp_path / "pictures")
    rows = {}
    for line in capsys.readouterr().out.splitlines():
        for name in ("network", "linear regression"):
            if line.startswith(f"{name} "):
                rows[name] = [float(word.rstrip("%")) for word in line.removeprefix(name).split()]
    (error, _, half, *_, most), linear = rows["network"], rows["linear regression"]
    assert error < 0.8, "a short fit explains a third of the variance"
    assert 40.0 < half < 65.0, "5 standard errors and more on either side"
    assert most > 90.0
    assert linear[0] == pytest.approx(0.709, abs=0.002)
    assert (tmp_path / "pictures" / "bnn.png").read_bytes().startswith(b"\x89PNG")
