"""Elimination equals brute force over all assignments, plate slot by plate slot, in every semiring."""

import itertools
import math

import pytest
import torch

from virgil.errors import PlateError
from virgil.ops.factor import Factor
from virgil.ops.semiring import MAXIMUM, SAMPLE, SUM
from virgil.ops.sum_product import contract, plated_sum_product

SIZES = {"a": 2, "b": 3, "c": 2, "d": 2, "n": 2, "m": 2, "k": 3}
PLATES = {"n", "m"}

# by name: the dims of the factors
GRAPHS = {
    "one variable": ["a"],
    "chain": ["a", "ab", "bc", "cd"],
    "cycle": ["ab", "bc", "ca"],
    "two that meet": ["a", "b", "ab"],
    "four that meet": ["a", "b", "c", "d", "ab", "cd", "ad"],
    "two components": ["ab", "cd"],
    "plate below a variable": ["a", "na", "na"],
    "mixture": ["na", "nab", "b"],
    "plate without variables": ["a", "n"],
    "nested plates": ["a", "nab", "nmbc", "mnc"],
    "siblings": ["a", "nab", "mac"],
    "two in one plate": ["nab", "nb", "a", "nac"],
    "plate inside plate, variable outside": ["a", "nma", "na"],
    "local to the shared plate": ["nma", "na"],
}


def graph(name, seed):
    generator = torch.Generator().manual_seed(seed)
    return [
        Factor(torch.randn([SIZES[dim] for dim in dims], generator=generator, dtype=torch.float64), tuple(dims))
        for dims in GRAPHS[name]
    ]


def unrolled(factors):
    """The same graph without plates: variables and factors once for each slot of their plates."""
    variables = {dim for factor in factors for dim in factor.dims} - PLATES
    local = {
        name: sorted(set.intersection(*(PLATES & set(factor.dims) for factor in factors if name in factor.dims)))
        for name in variables
    }
    copies = [
        (name, slot)
        for name in sorted(variables)
        for slot in itertools.product(*(range(SIZES[p]) for p in local[name]))
    ]
    entries = []
    for factor in factors:
        plates = [dim for dim in factor.dims if dim in PLATES]
        for slot in itertools.product(*(range(SIZES[plate]) for plate in plates)):
            at = dict(zip(plates, slot, strict=True))
            entries.append((factor, at))

    def log_weight(assignment):
        total = 0.0
        for factor, at in entries:
            index = tuple(
                at[dim] if dim in PLATES else assignment[dim, tuple(at[p] for p in local[dim])] for dim in factor.dims
            )
            total += factor.logs[index].item()
        return total

    return copies, log_weight


def every_assignment(copies):
    for values in itertools.product(*(range(SIZES[name]) for name, _ in copies)):
        yield dict(zip(copies, values, strict=True))


def eliminate(factors, semiring, weights=None):
    variables = frozenset(dim for factor in factors for dim in factor.dims) - PLATES
    return plated_sum_product(factors, variables, weights or dict.fromkeys(PLATES, 1.0), semiring)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", GRAPHS)
def test_the_sum_is_that_over_all_assignments(name, seed):
    factors = graph(name, seed)
    copies, log_weight = unrolled(factors)
    brute = math.log(sum(math.exp(log_weight(each)) for each in every_assignment(copies)))
    result = eliminate(factors, SUM)
    assert result.dims == ()
    assert result.logs.item() == pytest.approx(brute, rel=1e-10)


@pytest.mark.parametrize("name", GRAPHS)
def test_the_gradient_of_the_sum_is_the_expected_number_of_uses_of_an_entry(name):
    factors = graph(name, 2)
    for factor in factors:
        factor.logs.requires_grad_()
    gradients = torch.autograd.grad(eliminate(factors, SUM).logs, [factor.logs for factor in factors])
    brute = [torch.zeros_like(gradient) for gradient in gradients]
    step = 1e-5
    for factor, numeric in zip(factors, brute, strict=True):
        for index in itertools.product(*(range(size) for size in factor.logs.shape)):
            with torch.no_grad():
                factor.logs[index] += step
                above = eliminate(factors, SUM).logs.item()
                factor.logs[index] -= 2 * step
                below = eliminate(factors, SUM).logs.item()
                factor.logs[index] += step
            numeric[index] = (above - below) / (2 * step)
    for gradient, numeric in zip(gradients, brute, strict=True):
        torch.testing.assert_close(gradient, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", GRAPHS)
def test_the_maximum_is_the_best_assignment_and_its_derivative_marks_it(name):
    factors = graph(name, 3)
    copies, log_weight = unrolled(factors)
    best = max(every_assignment(copies), key=log_weight)
    for factor in factors:
        factor.logs.requires_grad_()
    result = eliminate(factors, MAXIMUM)
    assert result.logs.item() == pytest.approx(log_weight(best), rel=1e-12)
    marks = torch.autograd.grad(result.logs, [factor.logs for factor in factors])
    assert all(bool(((mark == 0) | (mark == 1)).all()) for mark in marks)
    attained = sum((mark * factor.logs).sum() for mark, factor in zip(marks, factors, strict=True))
    assert attained.item() == pytest.approx(log_weight(best), rel=1e-12)


@pytest.mark.parametrize("name", ["chain", "mixture", "nested plates", "cycle"])
def test_samples_have_the_posterior_s_frequencies(name):
    """Chi-square of joint assignments against brute force, rare ones pooled; the bound is the 1 - 1e-6 quantile."""
    from scipy.stats import chi2

    torch.manual_seed(0)
    factors = graph(name, 4)
    copies, log_weight = unrolled(factors)
    assignments = list(every_assignment(copies))
    weights = torch.tensor([log_weight(each) for each in assignments], dtype=torch.float64).softmax(0)
    for factor in factors:
        factor.logs.requires_grad_()
    draws = 2_000
    counts: dict[tuple[float, ...], int] = {}
    for _ in range(draws):
        marks = torch.autograd.grad(eliminate(factors, SAMPLE).logs, [factor.logs for factor in factors])
        key = tuple(torch.cat([mark.flatten() for mark in marks]).tolist())
        counts[key] = counts.get(key, 0) + 1
    expected = {}
    for each, weight in zip(assignments, weights.tolist(), strict=True):
        expected[marks_of(factors, each)] = weight * draws
    assert counts.keys() <= expected.keys()
    common = [key for key, number in expected.items() if number >= 5]
    rare = draws - sum(expected[key] for key in common)
    statistic = sum((counts.get(key, 0) - expected[key]) ** 2 / expected[key] for key in common)
    if rare > 5:
        statistic += (draws - sum(counts.get(key, 0) for key in common) - rare) ** 2 / rare
    assert statistic < chi2.ppf(1 - 1e-6, len(common))


def marks_of(factors, assignment):
    """The entries of the factors that an assignment uses, as ones in zeros."""
    variables = {dim for factor in factors for dim in factor.dims} - PLATES
    local = {
        name: sorted(set.intersection(*(PLATES & set(factor.dims) for factor in factors if name in factor.dims)))
        for name in variables
    }
    flat = []
    for factor in factors:
        mark = torch.zeros(factor.logs.shape)
        plates = [dim for dim in factor.dims if dim in PLATES]
        for slot in itertools.product(*(range(SIZES[plate]) for plate in plates)):
            at = dict(zip(plates, slot, strict=True))
            index = tuple(
                at[dim] if dim in PLATES else assignment[dim, tuple(at[p] for p in local[dim])] for dim in factor.dims
            )
            mark[index] = 1
        flat.append(mark.flatten())
    return tuple(torch.cat(flat).tolist())


def test_a_plate_s_weight_is_the_power_of_each_slot():
    factors = graph("mixture", 5)
    result = eliminate(factors, SUM, {"n": 2.5, "m": 1.0}).logs
    b = factors[2].logs
    inner = torch.logsumexp(factors[0].logs.unsqueeze(-1) + factors[1].logs, 1)  # by slot and b
    torch.testing.assert_close(result, torch.logsumexp(b + 2.5 * inner.sum(0), 0))


def test_dims_that_are_neither_variables_nor_plates_stay():
    logs = torch.randn(3, 2, 2, dtype=torch.float64)
    result = plated_sum_product([Factor(logs, ("k", "a", "n"))], frozenset("a"), {"n": 1.0}, SUM)
    assert result.dims == ("k",)
    torch.testing.assert_close(result.logs, logs.logsumexp(1).sum(-1))


def test_hard_zeros_leave_the_gradient_finite():
    logs = torch.tensor([[0.0, -torch.inf], [-torch.inf, -torch.inf]], requires_grad=True)
    total = SUM.reduce(SUM.reduce(logs, (-1,)), (-1,))
    (gradient,) = torch.autograd.grad(total, logs)
    assert torch.equal(gradient, torch.tensor([[1.0, 0.0], [0.0, 0.0]]))


def test_crossing_plates_are_refused_by_name():
    factors = [Factor(torch.zeros(2, 2), ("n", "a")), Factor(torch.zeros(2, 3), ("m", "b"))]
    factors.append(Factor(torch.zeros(2, 2, 2, 3), ("n", "m", "a", "b")))
    with pytest.raises(PlateError, match=r"'a' \(in plates \['n'\]\) and 'b' \(in plates \['m'\]\)"):
        eliminate(factors, SUM)


def test_a_long_chain_takes_memory_in_proportion_to_its_length():
    """1,000 steps of 8 states, against the forward recursion."""
    torch.manual_seed(0)
    steps, states = 1_000, 8
    start = torch.randn(states, dtype=torch.float64)
    moves = torch.randn(steps, states, states, dtype=torch.float64)
    factors = [Factor(start, ("x0",))] + [Factor(moves[t], (f"x{t}", f"x{t + 1}")) for t in range(steps)]
    result = contract(factors, frozenset(f"x{t}" for t in range(steps + 1)), SUM)
    forward = start
    for t in range(steps):
        forward = torch.logsumexp(forward.unsqueeze(-1) + moves[t], 0)
    torch.testing.assert_close(result.logs, forward.logsumexp(0))
