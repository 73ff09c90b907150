"""The hidden Markov demo: its sums by recursions in numpy, and the demo from end to end."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import virgil
from virgil import poutine
from virgil.examples import hmm
from virgil.examples.data import gdp
from virgil.examples.reports.hmm import in_recession
from virgil.infer import TraceEnum_ELBO
from virgil.infer.autoguide import AutoDelta, init_to_value


@pytest.fixture(scope="module")
def growth():
    return gdp.load()


@pytest.fixture
def guide(growth):
    """Points near those that a fit finds, and not symmetric in any way."""
    values = {
        "moves": torch.tensor([[0.84, 0.16], [0.06, 0.94]]),
        "locs": torch.tensor([-0.7, 4.1]),
        "scale": torch.tensor(2.9),
    }
    guide = AutoDelta(poutine.block(hmm.model, expose=hmm.POINTS), init_loc_fn=init_to_value(values=values))
    guide(growth.percent)
    return guide


def _numbers(guide, percent):
    """Points, and the log-density of each quarter's growth in each state, in double precision."""
    moves, locs, scale = (guide.median()[name].double().numpy() for name in hmm.POINTS)
    y = percent.double().numpy()[:, None]
    emission = -0.5 * ((y - locs) / scale) ** 2 - np.log(scale * math.sqrt(2 * math.pi))
    return moves, locs, scale, y, emission


def _forward_backward(moves, emission):
    """Log-likelihood, and each quarter's posterior probabilities, by recursions with normalisation *(Rabiner 1989)*."""
    forward, total = [], 0.0
    probs = moves.mean(0)
    for density in np.exp(emission):
        joint = probs * density
        total += math.log(joint.sum())
        forward.append(joint / joint.sum())
        probs = forward[-1] @ moves
    smoothed, message = [], np.ones(2)
    for filtered, density in zip(reversed(forward), np.exp(emission)[::-1], strict=True):
        smoothed.append(filtered * message / (filtered * message).sum())
        message = moves @ (density * message)
        message /= message.sum()
    return total, np.array(smoothed[::-1])


def _viterbi(moves, emission):
    best, back = np.log(moves.mean(0)) + emission[0], []
    for density in emission[1:]:
        scores = best[:, None] + np.log(moves)
        back.append(scores.argmax(0))
        best = scores.max(0) + density
    path = [int(best.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def test_the_growth_is_that_of_the_table(growth):
    assert len(growth.percent) == len(growth.quarters) == 202
    assert growth.quarters[0] == 4 * 1959 + 1
    assert growth.quarters[-1] == 4 * 2009 + 2
    assert (growth.quarters.diff() == 1).all()
    assert growth.percent[0].item() == pytest.approx(400 * math.log(2778.801 / 2710.349), rel=1e-5)


def test_the_dated_recessions_make_30_quarters(growth):
    dated = in_recession(growth.quarters)
    assert int(dated.sum()) == 30
    assert int((dated.int().diff() == 1).sum()) == 8


def test_the_loss_is_the_forward_recursion_and_the_prior(growth, guide):
    moves, locs, scale, _, emission = _numbers(guide, growth.percent)
    likelihood, _ = _forward_backward(moves, emission)
    concentration = 1 + 9 * np.eye(2)
    # the density of Dirichlet(10, 1) is Gamma(11) / Gamma(10), which is 10, times a power
    prior = 2 * math.log(10) + ((concentration - 1) * np.log(moves)).sum()
    prior += (-0.5 * ((locs - 3) / 4) ** 2 - math.log(4 * math.sqrt(2 * math.pi))).sum()
    prior += -0.5 * ((math.log(scale) - 1) / 0.5) ** 2 - math.log(scale * 0.5 * math.sqrt(2 * math.pi))
    for program in (hmm.model, hmm.vectorised):
        loss = TraceEnum_ELBO().loss(program, guide, growth.percent)
        assert loss == pytest.approx(-likelihood - prior, rel=1e-5)


def test_the_gradient_of_the_means_is_that_of_fishers_identity(growth, guide):
    """The gradient of a log-likelihood is the posterior mean of the complete data's own."""
    moves, locs, scale, y, emission = _numbers(guide, growth.percent)
    _, smoothed = _forward_backward(moves, emission)
    expected = (smoothed * (y - locs)).sum(0) / scale**2 - (locs - 3) / 16
    leaf = dict(virgil.get_param_store().named_parameters())["AutoDelta.locs"]
    for program in (hmm.model, hmm.vectorised):
        leaf.grad = None
        TraceEnum_ELBO().loss_and_grads(program, guide, growth.percent)
        np.testing.assert_allclose(-leaf.grad.numpy(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("program", [hmm.model, hmm.vectorised], ids=["one after another", "at once"])
def test_path_and_marginals_are_those_of_the_recursions(growth, guide, program):
    moves, _, _, _, emission = _numbers(guide, growth.percent)
    reading = hmm.read(program, guide, growth.percent)
    assert reading.path.tolist() == _viterbi(moves, emission)
    np.testing.assert_allclose(reading.probs.numpy(), _forward_backward(moves, emission)[1], atol=1e-4)


@pytest.mark.long
def test_the_demo_names_the_recessions_and_draws_them(tmp_path, capsys):
    hmm.main(steps=25, out=tmp_path)
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("2008Q1 to 2009Q2"))
    assert row.split()[3] == "6"
    assert float(row.split()[-1]) > 0.8, "the deepest recession is found after a short fit"
    assert (tmp_path / "hmm.png").read_bytes().startswith(b"\x89PNG")
