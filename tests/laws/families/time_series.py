"""Families of whole series."""

import torch

import virgil.distributions as dist
from tests.laws.families.row import LOCS, SCALES, TRIPLES, Row, numbers


def _one(like):
    return torch.ones(1, 1, dtype=like.dtype)


def _walk(like):
    """Noise of one number that is the same in all steps."""
    return dist.Normal(like.new_tensor([0.3]), like.new_tensor([0.8])).to_event(1)


def _vector(loc, scale):
    """A vector of one number, in each step."""
    return dist.Normal(loc[..., None, None], scale[..., None, None]).to_event(1)


def _gaussian(start, move, noise, scale):
    initial = dist.Normal(start.unsqueeze(-1), 1.0).to_event(1)
    moves, seen = _vector(start, scale), _vector(noise, 0.5 * scale)
    return dist.GaussianHMM(initial, move[..., None, None, None], moves, _one(start), seen, duration=2)


def _gamma_gaussian(concentration, rate, start, move):
    initial = dist.Normal(start.unsqueeze(-1), 1.0).to_event(1)
    walk, scale = _walk(start), dist.Gamma(concentration, rate)
    return dist.GammaGaussianHMM(scale, initial, move[..., None, None, None], walk, _one(start), walk, duration=2)


def _independent(start, move, scale):
    """Two series, of which the second starts at the opposite side."""
    walk, matrix = _walk(start), 0.5 * _one(start)
    both = torch.stack([start, -start], -1)
    initial = dist.Normal(both.unsqueeze(-1), scale[..., None, None]).to_event(1)
    base = dist.GaussianHMM(initial, move[..., None, None, None, None], walk, matrix, walk, duration=1)
    return dist.IndependentHMM(base)


def _field(start, together, seen):
    initial = dist.Normal(start.unsqueeze(-1), 1.0).to_event(1)
    loc = start.new_tensor([0.2, -0.1])
    moves, observed = (dist.MultivariateNormal(loc, scale_tril=each.unsqueeze(-3)) for each in (together, seen))
    return dist.GaussianMRF(initial, moves.expand((*start.shape, 2)), observed)


def _path(start, pull, noise):
    def equation(state, time):
        return -pull * state + time, noise * (1 + 0.1 * state.square()).sqrt()

    return dist.EulerMaruyama(start.new_tensor([0.0, 0.8]), equation, dist.Normal(start, 1.0))


DISCRETE = {
    "DiscreteHMM": Row(
        lambda initial, moves, probs: dist.DiscreteHMM(initial, moves, dist.Bernoulli(probs), duration=3),
        {
            "initial": numbers([0.3, -0.4], [0.0, 1.0]),
            "moves": numbers([[[0.5, -0.5], [0.2, 0.9]]], [[[0.0, 1.0], [-1.0, 0.3]]]),
            "probs": numbers([[0.2, 0.7]], [[0.9, 0.5]]),
        },
        values=TRIPLES[(TRIPLES < 2).all(-1)],
        moments=False,
    ),
}

MOVES = numbers(0.6, -0.8)
FACTORS = numbers([[1.0, 0.0], [0.4, 0.7]], [[0.8, 0.0], [-0.3, 1.1]])

MULTIVARIATE = {
    "AR": Row(
        lambda coefficients, scale, intercept: dist.AR(
            coefficients, scale, 2, scale.new_tensor([0.4, -0.7]), intercept
        ),
        {"coefficients": numbers([0.5, -0.3], [0.9, 0.2]), "scale": SCALES, "intercept": LOCS},
    ),
    # the two earliest leaves are alike, and earlier than the first change of a rate, as densities jump at such times
    "CoalescentTimes": Row(
        dist.CoalescentTimes,
        {"leaf_times": numbers([0.4, 1.3, 0.4], [0.0, 0.0, 0.9]), "rate": numbers(0.7, 1.6)},
        moments=False,
    ),
    "CoalescentTimesWithRate": Row(
        dist.CoalescentTimesWithRate,
        {"leaf_times": numbers([0.4, 1.9, 0.4], [2.7, 0.7, 0.7]), "rate_grid": numbers([0.7, 1.6], [1.9, 0.3])},
        moments=False,
    ),
    "EulerMaruyama": Row(_path, {"start": LOCS, "pull": MOVES, "noise": SCALES}, moments=False),
    "GammaGaussianHMM": Row(
        _gamma_gaussian,
        {"concentration": numbers(5.0, 6.5), "rate": numbers(4.0, 7.0), "start": LOCS, "move": MOVES},
    ),
    "GaussianHMM": Row(_gaussian, {"start": LOCS, "move": MOVES, "noise": LOCS, "scale": SCALES}),
    "GaussianMRF": Row(_field, {"start": LOCS, "together": FACTORS, "seen": FACTORS.flip(0)}),
    "GaussianRandomWalk": Row(
        lambda scale, drift: dist.GaussianRandomWalk(scale, 2, drift), {"scale": SCALES, "drift": LOCS}
    ),
    "IndependentHMM": Row(_independent, {"start": LOCS, "move": MOVES, "scale": SCALES}),
}
