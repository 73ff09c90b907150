"""Coalescent times against quadrature, a simulation pair by pair, and each other.

Tests of goodness of fit fail by chance with probability 1e-5. Seeds are fixed.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.distributions.transforms import biject_to
from virgil.errors import ArgumentError, ShapeError
from virgil.ops.coalescent import coalescent_events, inverse_of_integral, rate_integral

LEAVES = torch.tensor([0.3, 2.6, 1.7, 1.2], dtype=torch.double)
TIMES = torch.tensor([-0.5, 0.2, 1.0], dtype=torch.double)
RATES = torch.tensor([1.0, 2.0, 4.0], dtype=torch.double)


def rate_at(time, rates):
    return rates[min(max(math.floor(time), 0), len(rates) - 1)]


def by_definition(leaves, times, rates):
    """The density's formula, with the integral by quadrature between all times at which its integrand jumps."""

    def pairs(time):
        lineages = sum(leaf > time for leaf in leaves) - sum(each > time for each in times)
        return lineages * (lineages - 1) / 2

    jumps = sorted({*leaves, *times, *range(1, len(rates))})
    exposure = sum(
        integrate.quad(lambda t: pairs(t) * rate_at(t, rates), low, high)[0] for low, high in pairwise(jumps)
    )
    # just after a coalescence, as time runs forward, there is one lineage more
    return sum(math.log(rate_at(each, rates) * pairs(each)) for each in times) - exposure


def test_densities_are_those_of_the_definition():
    constant = by_definition(LEAVES.tolist(), TIMES.tolist(), [1.7])
    rate = torch.tensor(1.7, dtype=torch.double)
    assert dist.CoalescentTimes(LEAVES, rate).log_prob(TIMES).item() == pytest.approx(constant, rel=1e-12)
    changing = by_definition(LEAVES.tolist(), TIMES.tolist(), RATES.tolist())
    assert dist.CoalescentTimesWithRate(LEAVES, RATES).log_prob(TIMES).item() == pytest.approx(changing, rel=1e-12)


def test_a_density_over_times_between_leaves_and_across_rates_integrates_to_one():
    """Two times of three leaves, by quadrature between the jumps of the density."""
    leaves = torch.tensor([0.3, 2.4, 1.6], dtype=torch.double)
    fn = dist.CoalescentTimesWithRate(leaves, RATES)
    nodes, weights = (torch.as_tensor(each) for each in np.polynomial.legendre.leggauss(30))
    bounds = [-20.0, -8.0, -3.0, -1.0, 0.3, 1.0, 1.6]
    total = 0.0
    for low, high in pairwise(bounds):  # the later time
        later = low + (high - low) * (nodes + 1) / 2
        for start, end in pairwise(bounds):  # the earlier time, before the first leaf
            if start > low or end > 0.3:
                continue
            ends = later.clamp(max=end) if start == low else torch.full_like(later, end)
            earlier = start + (ends - start).unsqueeze(-1) * (nodes + 1) / 2
            times = torch.stack([earlier, later.unsqueeze(-1).expand_as(earlier)], -1)
            inner = (fn.log_prob(times).exp() * weights).sum(-1) * (ends - start) / 2
            total += float((inner * weights).sum() * (high - low) / 2)
    assert total == pytest.approx(1.0, abs=1e-6)


def test_all_times_agree_where_rates_are_alike():
    torch.manual_seed(1)
    fn = dist.CoalescentTimes(LEAVES, 0.7)
    times = fn.sample((5,))
    grid = dist.CoalescentTimesWithRate(LEAVES, torch.full((4,), 0.7, dtype=torch.double))
    torch.testing.assert_close(grid.log_prob(times), fn.log_prob(times))


def simulated(leaves, rates, generator):
    """The times of one history, backward by the total rate at hand, from one jump of it to the next."""
    jumps = [*sorted({*leaves, *range(1, len(rates))}, reverse=True), -math.inf]
    lineages, times, time = 0, [], max(leaves)
    while len(times) < len(leaves) - 1:
        lineages = sum(leaf >= time for leaf in leaves) - len(times)
        following = next(jump for jump in jumps if jump < time)
        rate = rate_at((time + max(following, time - 1e-6)) / 2, rates) * lineages * (lineages - 1) / 2
        step = generator.exponential(1 / rate) if rate else math.inf
        if time - step > following:
            time -= step
            times.append(time)
        else:
            time = following
    return sorted(times)


@pytest.mark.parametrize("place", range(3))
def test_draws_are_those_of_a_simulation(place):
    torch.manual_seed(2)
    generator = np.random.default_rng(3)
    theirs = np.array([simulated(LEAVES.tolist(), RATES.tolist(), generator) for _ in range(2000)])
    ours = dist.CoalescentTimesWithRate(LEAVES, RATES).sample((4000,))
    assert stats.ks_2samp(ours[:, place].numpy(), theirs[:, place]).pvalue > 1e-5
    theirs = np.array([simulated(LEAVES.tolist(), [0.8], generator) for _ in range(2000)])
    ours = dist.CoalescentTimes(LEAVES, 0.8).sample((4000,))
    assert stats.ks_2samp(ours[:, place].numpy(), theirs[:, place]).pvalue > 1e-5


def test_gradients_of_draws_average_to_the_gradient_of_the_mean():
    """d E[last time] / d rate, by quadrature and finite differences; within 5 standard errors of 20,000 draws.

    Of two leaves the time of coalescence is exponential before the earlier one, so E = leaf - 1 / rate.
    """
    torch.manual_seed(4)
    rate = torch.tensor([0.8], dtype=torch.double, requires_grad=True)
    leaves = torch.tensor([0.3, 0.9], dtype=torch.double, requires_grad=True)
    fn = dist.CoalescentTimes(leaves.expand(20_000, 2), rate.expand(20_000))
    slope, by_leaf = torch.autograd.grad(fn.rsample().mean(), [rate, leaves])
    assert float(slope) == pytest.approx(1 / 0.8**2, abs=5 / 0.8**2 / 20_000**0.5)
    torch.testing.assert_close(by_leaf, torch.tensor([1.0, 0.0], dtype=torch.double))


@pytest.mark.parametrize("family", [dist.CoalescentTimes, dist.CoalescentTimesWithRate])
def test_derivatives_are_those_of_finite_differences(family):
    rate = torch.tensor(0.7, dtype=torch.double) if family is dist.CoalescentTimes else RATES
    args = [each.clone().requires_grad_() for each in (LEAVES, rate, TIMES - 0.01)]
    assert torch.autograd.gradcheck(lambda leaves, rate, times: family(leaves, rate).log_prob(times), args)

    def drawn(leaves, rate):
        torch.manual_seed(0)
        return family(leaves, rate).rsample()

    assert torch.autograd.gradcheck(drawn, args[:2])


def test_single_precision_keeps_digits_far_from_zero():
    """Leaves in the year 2000, of which a float32 keeps hours."""
    leaves = torch.tensor([2000.0, 2000.5, 2001.25])
    times = torch.tensor([1999.25, 1999.75])
    exact = dist.CoalescentTimes(leaves.double(), 0.4).log_prob(times.double())
    assert dist.CoalescentTimes(leaves, 0.4).log_prob(times).double().item() == pytest.approx(exact.item(), rel=1e-6)
    grid = torch.full((2002,), 0.4)
    assert dist.CoalescentTimesWithRate(leaves, grid).log_prob(times).item() == pytest.approx(exact.item(), rel=1e-6)


def test_the_clock_at_the_rate_is_inverted():
    times = torch.tensor([-3.0, 0.0, 0.5, 1.0, 1.7, 2.0, 9.0], dtype=torch.double)
    clock = rate_integral(RATES, times)
    assert clock.tolist() == pytest.approx([-3.0, 0.0, 0.5, 1.0, 2.4, 3.0, 31.0])
    torch.testing.assert_close(inverse_of_integral(RATES, clock), times)


# ---------------------------------------------------------------------------------------------------- the likelihood


def test_the_likelihood_of_rates_is_the_density_step_by_step():
    likelihood = dist.CoalescentRateLikelihood(LEAVES, TIMES, 3)
    rates = torch.stack([RATES, RATES.flip(0)]).requires_grad_()
    whole = likelihood(rates)
    assert whole.shape == (2, 3)
    torch.testing.assert_close(whole.sum(-1), dist.CoalescentTimesWithRate(LEAVES, rates).log_prob(TIMES))
    for step in range(3):
        torch.testing.assert_close(likelihood(rates[:, step], step), whole[:, step])
    torch.testing.assert_close(likelihood(rates[:, 1:], slice(1, 3)), whole[:, 1:])
    many = dist.CoalescentRateLikelihood(LEAVES.expand(4, 4), TIMES.expand(4, 3), 3)(RATES)
    torch.testing.assert_close(many, whole[0].expand(4, 3))


def test_three_ways_to_state_a_coalescent_agree():
    likelihood = dist.CoalescentRateLikelihood(LEAVES, TIMES, 3)

    def stated():
        virgil.sample("coalescent", dist.CoalescentTimesWithRate(LEAVES, RATES), obs=TIMES)

    def in_a_plate():
        with virgil.plate("time", 3):
            virgil.factor("coalescent", likelihood(RATES))

    def in_a_chain():
        for t in virgil.markov(range(3)):
            virgil.factor(f"coalescent_{t}", likelihood(RATES[t], t))

    sums = [virgil.poutine.trace(each).get_trace().log_prob_sum() for each in (stated, in_a_plate, in_a_chain)]
    torch.testing.assert_close(sums[1:], sums[:1] * 2)


def test_a_latent_history_is_learnt_in_unconstrained_space():
    """The map onto the times is a bijection, also where leaves and times interleave."""
    torch.manual_seed(5)
    fn = dist.CoalescentTimes(LEAVES)
    times = fn.sample((100,))
    to = biject_to(fn.support)
    assert ((times[:, 1] > 0.3).any(), (times[:, 1] < 0.3).any()) == (True, True)
    torch.testing.assert_close(to(to.inv(times)), times)
    assert fn.support.check(to(3 * torch.randn(100, 3, dtype=torch.double))).all()
    assert to == biject_to(constraints.CoalescentTimesConstraint(LEAVES.clone()))


# ---------------------------------------------------------------------------------------------------- errors


def test_impossible_times_are_refused():
    support = constraints.CoalescentTimesConstraint(LEAVES)
    values = torch.stack([TIMES, TIMES.flip(0), TIMES + 1, TIMES * torch.nan])
    assert support.check(values).tolist() == [True, False, False, False]
    assert constraints.CoalescentTimesConstraint(LEAVES, ordered=False).check(values).tolist() == [
        True,
        True,
        False,
        False,
    ]
    assert not support.check(TIMES[:2])
    assert repr(support) == "CoalescentTimesConstraint(leaf_times of shape (4,))"
    for fn in (dist.CoalescentTimes(LEAVES), dist.CoalescentTimesWithRate(LEAVES, RATES)):
        with pytest.raises(ValueError, match="CoalescentTimes"):
            fn.log_prob(TIMES + 1)
    with pytest.raises(ArgumentError, match="The coal_times of CoalescentRateLikelihood are impossible"):
        dist.CoalescentRateLikelihood(LEAVES, TIMES + 1, 3)
    unchecked = dist.CoalescentTimes(LEAVES, validate_args=False)
    assert unchecked.log_prob(TIMES + 2) == -torch.inf
    with pytest.raises(NotImplementedError, match="in any order have no map"):
        biject_to(constraints.CoalescentTimesConstraint(LEAVES, ordered=False))


def test_arguments_are_checked():
    with pytest.raises(ShapeError, match=r"CoalescentTimes got leaf_times of shape \(1,\)"):
        dist.CoalescentTimes(torch.zeros(1))
    with pytest.raises(ShapeError, match=r"and a rate_grid of shape \(\); it takes"):
        dist.CoalescentTimesWithRate(LEAVES, torch.tensor(1.0))
    with pytest.raises(ShapeError, match=r"coal_times of shape \(4,\)"):
        dist.CoalescentRateLikelihood(LEAVES, LEAVES, 3)
    with pytest.raises(ArgumentError, match="The duration of CoalescentRateLikelihood is 0"):
        dist.CoalescentRateLikelihood(LEAVES, TIMES, 0)
    with pytest.raises(ValueError, match="rate"):
        dist.CoalescentTimes(LEAVES, -1.0)
    shapes = dist.CoalescentTimes.infer_shapes(leaf_times=(2, 4), rate=(3, 2))
    assert shapes == ((3, 2), (3,))
    assert dist.CoalescentTimesWithRate.infer_shapes(leaf_times=(4,), rate_grid=(2, 5)) == ((2,), (3,))


def test_comparing_the_times_of_few_leaves_counts_as_sorting_them_does(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    leaves, coals = (torch.randint(5, (50, size), generator=generator).double() for size in (6, 5))  # many are equal
    compared = coalescent_events(leaves, coals)
    monkeypatch.setattr("virgil.ops.coalescent._FEW", 0)
    for ours, expected in zip(compared, coalescent_events(leaves, coals), strict=True):
        torch.testing.assert_close(ours, expected, rtol=0, atol=0)
