"""``distinct_indices``: every subset equally likely, by both ways of drawing it."""

import itertools
import math

import pytest
import torch

from virgil.ops.distinct_indices import distinct_indices


def _chi_square_tail(statistic, freedom):
    """An upper bound on the probability of a larger statistic (Laurent and Massart 2000, lemma 1), solved for its x."""
    # statistic <= freedom + 2 sqrt(freedom x) + 2 x  with probability at least 1 - exp(-x)
    root = (-2 * math.sqrt(freedom) + math.sqrt(4 * freedom + 8 * max(statistic - freedom, 0.0))) / 4
    return math.exp(-(root**2))


def _statistic(counts, draws):
    expected = draws / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


@pytest.mark.parametrize(("size", "count"), [(5, 2), (6, 3), (4, 1)])
def test_every_subset_is_equally_likely_when_shuffling(size, count):
    subsets = dict.fromkeys(itertools.combinations(range(size), count), 0)
    draws = 3_000
    for _ in range(draws):
        subsets[tuple(sorted(distinct_indices(size, count).tolist()))] += 1
    assert _chi_square_tail(_statistic(subsets.values(), draws), len(subsets) - 1) > 1e-5


def test_every_subset_is_equally_likely_when_drawing_again():
    """Of 150 slots two are drawn; pairs are counted by the blocks of 15 that they fall in, so that counts are large."""
    size, count, block, draws = 150, 2, 15, 6_000
    blocks = size // block
    counts = dict.fromkeys(itertools.combinations_with_replacement(range(blocks), 2), 0)
    for _ in range(draws):
        low, high = sorted((distinct_indices(size, count) // block).tolist())
        counts[low, high] += 1
    pairs = math.comb(size, 2)
    probability = {key: (math.comb(block, 2) if key[0] == key[1] else block**2) / pairs for key in counts}
    statistic = sum((counts[key] - draws * p) ** 2 / (draws * p) for key, p in probability.items())
    assert _chi_square_tail(statistic, len(counts) - 1) > 1e-5


def test_the_bound_of_the_test_itself_would_see_a_wrong_law():
    """A sampler that favours small indices, as one that sorts and cuts would, is far outside."""
    counts = dict.fromkeys(range(10), 0)
    for _ in range(3_000):
        for index in torch.randint(10, (4,)).sort().values[:2].tolist():
            counts[index] += 1
    assert _chi_square_tail(_statistic(counts.values(), 6_000), 9) < 1e-5


@pytest.mark.parametrize(("size", "count"), [(1, 1), (10, 10), (10, 3), (1_000_000, 50), (6_400, 100), (6_401, 100)])
def test_indices_are_distinct_and_in_range(size, count):
    for _ in range(20):
        indices = distinct_indices(size, count)
        assert indices.shape == (count,)
        assert indices.dtype == torch.long
        assert len(set(indices.tolist())) == count
        assert int(indices.min()) >= 0
        assert int(indices.max()) < size
