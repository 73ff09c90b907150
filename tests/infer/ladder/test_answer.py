"""Errors of weighted draws and of chains against what they are by theory, and answers that miss a part."""

import math

import pytest
import torch

from virgil.infer.ladder.answer import Answer, missing
from virgil.infer.ladder.weighed import Errors, Weighed, errors_of_chains, errors_of_weights
from virgil.infer.trust.verdict import Verdict
from virgil.infer.trust.weights import importance

NUM = 4000


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_errors_of_equal_weights_are_those_of_independent_draws():
    """A normal's mean is known to ``sd / sqrt(n)``, its standard deviation to the share ``1 / sqrt(2 n)``."""
    errors, worth = errors_of_weights({"x": normal(NUM)}, torch.full((NUM,), -math.log(NUM), dtype=torch.float64))
    assert errors.mean == pytest.approx(NUM**-0.5, rel=0.01)
    assert errors.spread == pytest.approx((2 * NUM) ** -0.5, rel=0.1)
    assert worth["x"] == pytest.approx(NUM, rel=0.02)


def test_errors_of_unequal_weights_are_as_large_as_they_vary():
    """The same estimate from 400 populations: its standard deviation is the error that one of them gives."""
    rows = 2 * torch.randn(400, 500, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    log_weights = (-(rows**2) / 2 + rows**2 / 8).log_softmax(1)
    means = (log_weights.exp() * rows).sum(1)
    sds = (log_weights.exp() * (rows - means[:, None]) ** 2).sum(1).sqrt()
    found = [errors_of_weights({"x": row}, weights)[0] for row, weights in zip(rows, log_weights, strict=True)]
    # the standard deviation of 400 numbers is known to 3.5 %: five of these
    assert sum(each.mean for each in found) / 400 == pytest.approx(float(means.std()), rel=0.18)
    assert sum(each.spread for each in found) / 400 == pytest.approx(float(sds.std()), rel=0.18)


def test_errors_of_chains_grow_with_their_memory():
    """A first-order autoregression of coefficient 0.9 is worth 1 / 19 of its draws, for means."""
    steps = normal(4, 20_000)
    rows = torch.zeros_like(steps)
    rows[:, 0] = steps[:, 0]
    for step in range(1, rows.shape[1]):
        rows[:, step] = 0.9 * rows[:, step - 1] + math.sqrt(1 - 0.81) * steps[:, step]
    errors, worth = errors_of_chains({"x": rows})
    assert float(worth["x"]) == pytest.approx(rows.numel() / 19, rel=0.15)
    assert errors.mean == pytest.approx((rows.numel() / 19) ** -0.5, rel=0.1)


def test_a_constant_has_no_error():
    errors, worth = errors_of_weights({"x": torch.ones(100)}, torch.full((100,), -math.log(100)))
    assert errors.mean == errors.spread == 0.0
    assert bool(worth["x"].isnan())


def test_quantiles_are_those_of_the_weights():
    values = torch.tensor([3.0, 1.0, 2.0])
    weighed = Weighed({"x": values}, torch.tensor([0.5, 0.2, 0.3]).log(), Errors(), {})
    assert weighed.quantiles("x", torch.tensor([0.1, 0.3, 0.9])).tolist() == [1.0, 2.0, 3.0]


def answer(log_p, rows):
    """Weighted draws of a standard normal for a density, as an answer that is trusted."""
    weights = importance(log_p(rows), -(rows**2) / 2 - math.log(2 * math.pi) / 2)
    return Answer(Weighed({}, weights.log_weights, Errors(), {}), weights, Verdict("all", "Trust."), True)


def test_draws_that_miss_a_part_have_less_evidence():
    """The same posterior, of which one answer has seen nine tenths."""
    rows = normal(NUM)
    whole = answer(lambda rows: -(rows**2) / 2, rows)
    part = answer(lambda rows: -(rows**2) / 2 + math.log(0.9), rows)
    judged = missing(part, whole)
    assert not judged.is_final
    assert "miss 10% of the posterior" in judged.verdict.sentence
    assert missing(whole, part) is whole
    assert missing(whole, whole) is whole
