"""Seeds and states of all generators together."""

import random

import numpy as np
import torch

import virgil
from virgil.ops.random_state import preserved_rng


def draws():
    return torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()


def test_a_seed_fixes_all_generators():
    virgil.set_rng_seed(3)
    first = draws()
    virgil.set_rng_seed(3)
    assert draws() == first
    virgil.set_rng_seed(4)
    assert all(one != other for one, other in zip(draws(), first, strict=True))


def test_a_state_can_be_put_back():
    state = virgil.get_rng_state()
    first = draws()
    draws()
    virgil.set_rng_state(state)
    assert draws() == first


def test_preserved_rng_consumes_nothing_even_under_an_error():
    state = virgil.get_rng_state()
    expected = draws()
    virgil.set_rng_state(state)
    try:
        with preserved_rng():
            draws()
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert draws() == expected


def test_seeds_beyond_32_bits():
    virgil.set_rng_seed(2**40 + 1)
    first = draws()
    virgil.set_rng_seed(2**40 + 1)
    assert draws() == first
