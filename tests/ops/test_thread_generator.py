"""Draws from a generator that is a thread's own: the same numbers, and torch's generator stays where it is."""

import threading

import pytest
import torch
from torch import nn
from torch.nn import functional

import virgil.distributions as dist
from virgil.ops.distinct_indices import distinct_indices
from virgil.ops.random_state import get_rng_state, preserved_rng, seed_torch, set_rng_state
from virgil.ops.thread_generator import drawing_from, own_generator, thread_generator

X = torch.linspace(0.1, 0.9, 12).reshape(3, 4)
LSTM = nn.LSTM(4, 2, 2, dropout=0.5)

library = torch.library.Library("virgil_tests", "FRAGMENT")
library.define("noise(Tensor x) -> Tensor", tags=(torch.Tag.nondeterministic_seeded,))
library.impl("noise", torch.randn_like, "CompositeExplicitAutograd")

DRAWS = {
    "rand": lambda: torch.rand(5),
    "randn in double precision": lambda: torch.randn(5, dtype=torch.float64),
    "randint": lambda: torch.randint(9, (5,)),
    "randint from a bound": lambda: torch.randint(3, 9, (5,)),
    "randperm": lambda: torch.randperm(9),
    "rand_like": lambda: torch.rand_like(X),
    "randn_like, transposed": lambda: torch.randn_like(X.T),
    "randint_like": lambda: torch.randint_like(X, 2, 9),
    "into a tensor": lambda: torch.rand(5, out=torch.empty(5)),
    "normal": lambda: torch.normal(X, X),
    "normal of numbers": lambda: torch.normal(1.0, 2.0, (5,)),
    "bernoulli": lambda: torch.bernoulli(X),
    "multinomial": lambda: torch.multinomial(X, 3),
    "poisson": lambda: torch.poisson(X),
    "binomial": lambda: torch.binomial(torch.full((5,), 9.0), torch.full((5,), 0.4)),
    "gamma": lambda: dist.Gamma(X, 1.0).sample(),
    "gamma with a derivative": lambda: dist.Gamma(X.clone().requires_grad_(), 1.0).rsample(),
    "dirichlet": lambda: dist.Dirichlet(X).sample(),
    "von Mises": lambda: dist.VonMises(X, X).sample(),
    "few distinct indices": lambda: distinct_indices(10_000, 5),
    "many distinct indices": lambda: distinct_indices(10, 5),
    "in place": lambda: torch.empty(5).normal_().add(torch.empty(5).uniform_()).add(torch.empty(5).exponential_()),
    "in place, others": lambda: (
        torch.empty(5).cauchy_().add(torch.empty(5).geometric_(0.3)).add(torch.empty(5).log_normal_())
    ),
    "integers in place": lambda: torch.empty(5, dtype=torch.int64).random_(9),
    "dropout": lambda: functional.dropout(X, 0.5),
    "dropout of features": lambda: functional.feature_alpha_dropout(X[None], 0.5, True),
    "dropout in a network": lambda: LSTM(torch.ones(3, 5, 4))[0],
    "random leaks": lambda: functional.rrelu(-X, training=True),
    "mapped": lambda: torch.func.vmap(lambda x: torch.randn_like(x) + x, randomness="different")(X),
    "an operator of somebody else's": lambda: torch.ops.virgil_tests.noise(X),
    "initial values": lambda: nn.Linear(3, 2).weight,
}


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", DRAWS)
def test_numbers_are_those_of_torchs_generator(name, mode):
    draw, before = DRAWS[name], torch.get_rng_state()
    with mode():
        expected = [draw().clone(), torch.rand(3)]
    assert not torch.equal(torch.get_rng_state(), before)  # it draws
    torch.set_rng_state(before)
    with mode(), own_generator():
        assert torch.equal(draw(), expected[0])
        assert torch.equal(torch.rand(3), expected[1])  # and leaves the generator where torch's would be
        assert not torch.equal(thread_generator().get_state(), before)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_generator_that_is_given_is_drawn_from():
    given = torch.Generator().manual_seed(3)
    expected = torch.rand(4, generator=torch.Generator().manual_seed(3))
    with own_generator():
        before = thread_generator().get_state()
        assert torch.equal(torch.rand(4, generator=given), expected)
        assert torch.equal(thread_generator().get_state(), before)


def test_operators_on_no_numbers_and_on_functions():
    with own_generator():
        assert torch.rand(4, device="meta").shape == (4,)
        total = torch.cond(torch.tensor(True), lambda x: x + 1, lambda x: x - 1, (X,))
    assert torch.equal(total, X + 1)


def test_seeds_and_states_are_the_threads_own():
    outside = torch.get_rng_state()
    with own_generator():
        seed_torch(5)
        first, state = torch.rand(3), get_rng_state()
        again = torch.rand(3)
        set_rng_state(state)
        assert torch.equal(torch.rand(3), again)
    assert torch.equal(torch.get_rng_state(), outside)
    assert torch.equal(first, torch.rand(3, generator=torch.Generator().manual_seed(5)))


def test_blocks_nest():
    with own_generator():
        first = torch.rand(2)
        with own_generator():
            inner = torch.rand(2)
        assert torch.equal(torch.rand(2), inner)  # the inner block has taken nothing
        with drawing_from(torch.Generator().manual_seed(1)):
            assert torch.equal(torch.rand(2), torch.rand(2, generator=torch.Generator().manual_seed(1)))
    assert not torch.equal(first, inner)


@pytest.mark.parametrize("wrapped", [preserved_rng, own_generator])
def test_a_thread_does_not_rewind_another(wrapped):
    """One draws inside a block, the other all the while: what it draws is a stretch of torch's stream, once."""
    torch.manual_seed(0)
    expected = torch.rand(8, 100)
    torch.manual_seed(0)
    barrier, drawn, mine = threading.Barrier(2), [], []

    def outside():
        for _ in range(8):
            barrier.wait()
            drawn.append(torch.rand(100))
            barrier.wait()

    def inside():
        for _ in range(2):
            with wrapped():
                for _ in range(4):
                    barrier.wait()
                    mine.append(torch.rand(100))
                    barrier.wait()

    threads = [threading.Thread(target=each) for each in (outside, inside)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert torch.equal(torch.stack(drawn), expected)
    assert len(mine) == 8
