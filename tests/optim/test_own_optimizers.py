"""Virgil's own torch optimisers against their formulas, and captured steps of them against eager ones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import torch

import virgil
from virgil import optim
from virgil.errors import ArgumentError
from virgil.ops.cosine_transform import dct, idct
from virgil.optim.adagrad_rmsprop import AdagradRMSProp
from virgil.optim.clipped_adam import ClippedAdam
from virgil.optim.dct_adam import DCTAdam
from virgil.optim.functional_step import functional_step, memory_of

GRADIENTS = np.random.default_rng(0).normal(size=(8, 6)) * 3
MAKERS = {
    "AdagradRMSProp": lambda leaf: AdagradRMSProp([leaf], eta=0.7, delta=0.03, t=0.2),
    "ClippedAdam, centred": lambda leaf: ClippedAdam([leaf], lr=0.1, lrd=0.9, centered_variance=True),
    "DCTAdam": lambda leaf: DCTAdam([leaf], lr=0.1, lrd=0.9),
    "DCTAdam, by subsamples": lambda leaf: DCTAdam([leaf], lr=0.1, subsample_aware=True),
}


def path(optimizer, leaf, gradients=GRADIENTS):
    """The values of a leaf after each step."""
    values = []
    for gradient in gradients:
        leaf.grad = torch.tensor(gradient).reshape(leaf.shape)
        optimizer.step()
        values.append(leaf.detach().numpy().copy())
    return np.stack(values)


def series(shape=(6,), dim=-1):
    leaf = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    leaf._pyro_dct_dim = dim
    return leaf


def plain(shape=(6,)):
    return torch.zeros(shape, dtype=torch.float64, requires_grad=True)


def adam(gradients, lr, lrd=1.0, clip=10.0, centered=False):
    mean = square = 0.0
    changes = []
    for step, gradient in enumerate(gradients, 1):
        gradient = np.clip(gradient, -clip, clip)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * (gradient - mean if centered else gradient) ** 2
        changes.append(-lr * lrd**step * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8))
    return np.array(changes)


@pytest.mark.parametrize("shape", [(1,), (2, 3), (5, 4), (3, 8, 1)])
@pytest.mark.parametrize("dim", [-1, 0])
def test_cosine_transforms_are_scipys(shape, dim):
    x = torch.randn(shape, dtype=torch.float64)
    assert torch.allclose(dct(x, dim), torch.tensor(scipy.fft.dct(x.numpy(), norm="ortho", axis=dim)))
    assert torch.allclose(idct(dct(x, dim), dim), x)


def test_adagrad_rmsprop_takes_the_steps_of_its_formula():
    value, total, expected = np.zeros(6), GRADIENTS[0] ** 2, []
    for step, gradient in enumerate(GRADIENTS, 1):
        total = 0.2 * gradient**2 + 0.8 * total
        value = value - 0.7 * step ** (-0.5 + 0.03) * gradient / (1 + np.sqrt(total))
        expected.append(value)
    leaf = plain()
    np.testing.assert_allclose(path(MAKERS["AdagradRMSProp"](leaf), leaf), expected, rtol=1e-6)


def test_a_centred_variance_is_of_deviations_from_the_mean():
    leaf = plain()
    found = path(MAKERS["ClippedAdam, centred"](leaf), leaf)
    np.testing.assert_allclose(found, adam(GRADIENTS, 0.1, 0.9, centered=True).cumsum(0), rtol=1e-5)


def test_a_leaf_without_time_is_stepped_as_by_clipped_adam():
    leaf, other = plain(), plain()
    found = path(DCTAdam([leaf], lr=0.1, lrd=0.9, clip_norm=2.0), leaf)
    np.testing.assert_allclose(found, path(ClippedAdam([other], lr=0.1, lrd=0.9, clip_norm=2.0), other), rtol=1e-6)


@pytest.mark.parametrize(("shape", "dim"), [((6,), -1), ((3, 2), -2), ((3, 2), -1)])
def test_a_series_is_stepped_in_time_and_in_frequency(shape, dim):
    leaf = series(shape, dim)
    found = path(DCTAdam([leaf], lr=0.1, lrd=0.9, clip_norm=2.0), leaf)
    clipped = np.clip(GRADIENTS, -2, 2).reshape(-1, *shape)
    in_frequency = adam(scipy.fft.dct(clipped, norm="ortho", axis=dim), 0.1, 0.9)
    expected = adam(clipped, 0.1, 0.9) + scipy.fft.idct(in_frequency, norm="ortho", axis=dim)
    np.testing.assert_allclose(found, expected.cumsum(0), rtol=1e-6, atol=1e-7)


def test_an_element_outside_the_subsample_counts_its_own_steps():
    is_in = np.random.default_rng(1).random(GRADIENTS.shape) < 0.5
    leaf = plain()
    found = path(DCTAdam([leaf], lr=0.1, subsample_aware=True), leaf, GRADIENTS * is_in)
    for element in range(6):
        steps = is_in[:, element]
        alone = adam(GRADIENTS[steps, element : element + 1], 0.1).sum()
        assert found[-1, element] == pytest.approx(alone, rel=1e-6)
        moves = np.diff(found[:, element], prepend=0.0) != 0
        assert (moves == steps).all()


@pytest.mark.parametrize("make_leaf", [plain, series])
@pytest.mark.parametrize("name", MAKERS)
def test_a_captured_step_is_the_eager_one(name, make_leaf):
    leaf = make_leaf()
    optimizer = MAKERS[name](leaf)
    path(optimizer, leaf, GRADIENTS[:3])
    gradient = torch.tensor(GRADIENTS[3])
    values, _ = functional_step(
        optimizer,
        {"x": leaf},
        {"x": leaf.detach().clone()},
        {"x": gradient},
        memory_of(optimizer, {"x": leaf}),
        [torch.tensor(optimizer.param_groups[0]["lr"], dtype=torch.float64)],
    )
    path(optimizer, leaf, GRADIENTS[3:4])
    assert torch.allclose(values["x"], leaf.detach(), rtol=1e-6)


def test_what_adagrad_rmsprop_remembers_can_be_shared():
    leaf = plain()
    optimizer = AdagradRMSProp([leaf])
    optimizer.share_memory()
    assert all(each.is_shared() for each in optimizer.state[leaf].values())


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (optim.AdagradRMSProp, {"eta": -1.0}, "eta=-1.0, where a number that is not negative"),
        (optim.AdagradRMSProp, {"t": 0.0}, r"t=0.0, where a number in \(0, 1\]"),
        (optim.AdagradRMSProp, {"delta": 2.0}, r"delta=2.0, where a number in \[0, 1/2\]"),
        (optim.DCTAdam, {"clip_norm": 0.0}, "clip_norm=0.0, where a positive number"),
    ],
)
def test_a_wrong_value_is_named(make, options, message):
    with pytest.raises(ArgumentError, match=message):
        make(options)


@pytest.mark.parametrize("make", [optim.AdagradRMSProp, optim.DCTAdam])
def test_optimisers_by_name_minimise(make):
    options = {"eta": 0.5} if make is optim.AdagradRMSProp else {"lr": 0.05}
    with virgil.ParamStore() as store:
        virgil.param("x", torch.tensor(2.0))
        optimizer = make(options)
        for _ in range(400):
            leaf = store.unconstrained("x")
            optim.zero_grads([leaf])
            ((leaf - 1) ** 2).backward()
            optimizer([leaf])
        assert store["x"].item() == pytest.approx(1.0, abs=1e-2)
