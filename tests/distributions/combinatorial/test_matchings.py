"""Matchings against sums over all of them, the Bethe approximation against the maximum that defines it.

Tests of goodness of fit fail by chance with probability 1e-5. Seeds are fixed.
"""

import math
import sys

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import minimize

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.assignments import enumerate_assignments, log_sum_of_assignments
from virgil.ops.bethe_assignments import log_bethe_sum_of_assignments

FAMILIES = [dist.OneOneMatching, dist.OneTwoMatching]
each_family = pytest.mark.parametrize("family", FAMILIES)


def logits_of(family, destinations, *batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (*batch, family.capacity * destinations, destinations)
    return 2 * torch.randn(shape, generator=generator, dtype=torch.double)


def weights(logits, values):
    """The sum of each matching's logits. Shape: ``(matchings,)``."""
    return torch.stack([logits[torch.arange(len(value)), value].sum() for value in values])


@pytest.mark.parametrize(
    ("family", "destinations"),
    [(FAMILIES[0], each) for each in (1, 2, 3, 5, 6)] + [(FAMILIES[1], each) for each in (1, 2, 3, 4)],
)
def test_the_partition_function_is_the_sum_over_all_matchings(family, destinations):
    logits = logits_of(family, destinations)
    fn = family(logits)
    values = fn.enumerate_support()
    sources = family.capacity * destinations
    assert len(values) == len({tuple(value) for value in values.tolist()})
    assert len(values) == math.factorial(sources) // math.factorial(family.capacity) ** destinations
    expected = weights(logits, values).logsumexp(0)
    torch.testing.assert_close(fn.log_partition_function, expected, rtol=1e-12, atol=1e-12)
    probs = fn.log_prob(values).exp()
    torch.testing.assert_close(fn.entropy(), torch.special.entr(probs).sum())
    assert torch.equal(fn.mode(), values[probs.argmax()])


@each_family
def test_extreme_and_forbidden_pairs_keep_their_digits(family):
    logits = logits_of(family, 3) * 300
    logits[0, 1] = logits[1, 0] = -torch.inf
    logits.requires_grad_()
    fn = family(logits)
    values = fn.enumerate_support()
    expected = weights(logits, values).logsumexp(0)
    torch.testing.assert_close(fn.log_partition_function, expected, rtol=1e-14, atol=0.0)
    (gradient,) = torch.autograd.grad(fn.log_partition_function, logits)
    torch.testing.assert_close(gradient.sum(-1), torch.ones_like(gradient[:, 0]))  # each source takes one destination
    assert (gradient[0, 1], gradient[1, 0]) == (0, 0)
    assert fn.entropy().isfinite()
    assert (fn.sample((50,))[:, 0] != 1).all()


@each_family
def test_a_graph_without_a_matching_has_no_mass(family):
    logits = torch.zeros(family.capacity * 2, 2)
    logits[:, 0] = -torch.inf
    assert family(logits).log_partition_function == -torch.inf
    with pytest.raises(ArgumentError, match="The logits have no most probable matching"):
        family(logits).mode()


@pytest.mark.parametrize(("family", "destinations"), [(FAMILIES[0], 3), (FAMILIES[0], 6), (FAMILIES[1], 3)])
def test_draws_have_the_probabilities_of_the_family(family, destinations):
    torch.manual_seed(3)
    fn = family(logits_of(family, destinations) / 8)
    values = fn.enumerate_support()
    drawn = fn.sample((40_000,))
    digits = destinations ** torch.arange(values.shape[-1]).flip(0)
    codes, known = (drawn * digits).sum(-1), (values * digits).sum(-1)
    counts = torch.bincount(torch.searchsorted(known, codes), minlength=len(values)).double()
    assert torch.isin(codes, known).all()
    expected = fn.log_prob(values).exp() * len(drawn)
    assert counts.sum() == len(drawn)
    assert expected.min() > 5
    assert stats.chisquare(counts.numpy(), expected.numpy()).pvalue > 1e-5


def bethe_maximum(logits, capacity):
    """The maximum of the Bethe entropy plus the mean logits over marginals, by SciPy.

    For capacity 1 the local entropies of a source with marginals b and of a destination are -sum b log b, so the whole
    is sum b * logits - b log b + (1 - b) log(1 - b) (Vontobel 2013, definition 12).
    """
    assert capacity == 1
    size = len(logits)

    def negative(b):
        b = b.reshape(size, size)
        return -(b * logits - b * np.log(b) + (1 - b) * np.log1p(-b)).sum()

    def sums(b):
        b = b.reshape(size, size)
        return np.concatenate([b.sum(0) - 1, b.sum(1)[:-1] - 1])

    start = np.full(size * size, 1 / size)
    bounds = [(1e-9, 1 - 1e-9)] * size**2
    return -minimize(negative, start, bounds=bounds, constraints={"type": "eq", "fun": sums}, tol=1e-12).fun


def test_belief_propagation_maximises_the_bethe_free_energy():
    logits = logits_of(dist.OneOneMatching, 3) / 2
    found = dist.OneOneMatching(logits, bp_iters=100).log_partition_function
    assert float(found) == pytest.approx(bethe_maximum(logits.numpy(), 1), rel=1e-7)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_the_bethe_permanent_of_ones(size):
    """It is (n - 1) ** (n (n - 1)) / n ** (n (n - 2)) (Vontobel 2013, lemma 48)."""
    found = log_bethe_sum_of_assignments(torch.zeros(size, size, dtype=torch.double), 1, 50)
    expected = size * (size - 1) * math.log(size - 1) - size * (size - 2) * math.log(size)
    assert float(found) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_the_bethe_permanent_lies_below_the_permanent(seed):
    logits = logits_of(dist.OneOneMatching, 6, seed=seed)
    gap = log_sum_of_assignments(logits) - log_bethe_sum_of_assignments(logits, 1, 200)
    assert -1e-9 <= gap <= 3 * math.log(2)  # Anari and Rezaei 2019


def test_the_bethe_sum_of_pairs_of_sources_is_that_of_local_polynomials():
    """All logits are zero: by symmetry the message v of a destination solves one equation."""
    destinations, sources = 3, 6
    # u = 1 / ((n - 1) v) from a source; v = e_1 / e_2 of the 2 n - 1 other sources
    u = 1 / (destinations - 1)
    for _ in range(200):
        v = (sources - 1) * u / (math.comb(sources - 1, 2) * u * u)
        u = 1 / ((destinations - 1) * v)
    expected = sources * math.log(destinations * v) + destinations * math.log(math.comb(sources, 2) * u * u)
    expected -= sources * destinations * math.log1p(u * v)
    found = dist.OneTwoMatching(torch.zeros(6, 3, dtype=torch.double), bp_iters=300).log_partition_function
    assert float(found) == pytest.approx(expected, rel=1e-10)


@each_family
def test_forced_matchings_are_exact_by_belief_propagation(family):
    logits = torch.full((family.capacity * 3, 3), -torch.inf, dtype=torch.double)
    value = torch.arange(3).repeat(family.capacity)
    logits[torch.arange(len(value)), value] = torch.linspace(-1.0, 2.0, len(value), dtype=torch.double)
    fn = family(logits, bp_iters=10)
    torch.testing.assert_close(fn.log_prob(value), torch.zeros((), dtype=torch.double), rtol=0, atol=1e-9)


@each_family
def test_derivatives_are_those_of_the_approximation(family):
    logits = logits_of(family, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: family(x, bp_iters=5).log_partition_function, logits)
    assert torch.autograd.gradcheck(lambda x: family(x).log_partition_function, logits)
    assert torch.autograd.gradcheck(lambda x: family(x).entropy(), logits)


@each_family
def test_large_ones_are_approximated(family):
    logits = logits_of(family, 24, 2).float()
    with pytest.raises(ArgumentError, match=r"Pass bp_iters=.*Bethe approximation"):
        _ = family(logits).log_partition_function
    with pytest.raises(ArgumentError, match="matchings to 24 destinations, too many to list"):
        family(logits).enumerate_support()
    fn = family(logits, bp_iters=5)
    assert fn.log_prob(fn.mode()).shape == (2,)
    assert fn.log_prob(fn.mode()).dtype is torch.float


def test_values_and_arguments_are_checked():
    fn = dist.OneOneMatching(torch.zeros(3, 3))
    for value in ([0, 0, 1], [0, 1, 3], [0, 1]):
        with pytest.raises(ValueError, match=r"OneOneMatching|must match event_shape"):
            fn.log_prob(torch.tensor(value))
    assert dist.OneTwoMatching(torch.zeros(4, 2)).support.check(
        torch.tensor([[0, 1, 1, 0], [0, 1, 1, 1]])
    ).tolist() == [
        True,
        False,
    ]
    with pytest.raises(ShapeError, match=r"OneOneMatching got logits of shape \(2, 3\); it takes \(\*batch, N, N\)"):
        dist.OneOneMatching(torch.zeros(2, 3))
    with pytest.raises(ShapeError, match=r"OneTwoMatching got logits of shape \(3, 3\); .* \(\*batch, 2 \* N, N\)"):
        dist.OneTwoMatching(torch.zeros(3, 3))
    with pytest.raises(ArgumentError, match="The bp_iters of OneOneMatching is 0"):
        dist.OneOneMatching(torch.zeros(2, 2), bp_iters=0)
    assert repr(fn.support) == "OneOneMatchingConstraint(3)"


def test_the_most_probable_matching_needs_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ArgumentError, match="needs SciPy: pip install scipy"):
        dist.OneOneMatching(torch.zeros(2, 2)).mode()


def test_all_assignments_come_in_order():
    values = enumerate_assignments(3, 2).tolist()
    assert values == sorted(values)
