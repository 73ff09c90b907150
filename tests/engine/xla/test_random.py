"""Random operators, lowered, draw from their laws, in the shapes and dtypes of eager torch.

Each law is one test at level 1e-6 on 20,000 draws from a fixed key: by Kolmogorov and Smirnov where it is continuous,
by chi-square where it is discrete. There are fewer than a hundred, so that together they raise a false alarm, were the
key another, with probability below 1e-4.
"""

import functools
import itertools

import jax
import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import Tensor, nan

from tests.engine.xla.harness import lowered, lowerings_in, operators_of
from virgil.engine.recording.graph import traced
from virgil.engine.xla.interpret import interpret
from virgil.engine.xla.lowerings import choice, distinct, gamma, random

pytestmark = pytest.mark.every_engine


aten, own = torch.ops.aten, torch.ops.virgil

N = 20_000
LEVEL = 1e-6


def constant(value: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.full((N,), value, dtype=dtype)


CONTINUOUS = {
    "randn": (lambda: torch.randn(N), stats.norm()),
    "randn of a generator": (lambda: torch.randn(N, generator=None, dtype=torch.float64), stats.norm()),
    "randn like": (lambda: torch.randn_like(constant(0.0)), stats.norm()),
    "normal in place": (lambda: constant(0.0).normal_(3.0, 1e-3), stats.norm(3.0, 1e-3)),
    "normal of two tensors": (lambda: torch.normal(constant(-1.0), constant(50.0)), stats.norm(-1.0, 50.0)),
    "normal of a mean": (lambda: torch.normal(constant(-1.0), 2.0), stats.norm(-1.0, 2.0)),
    "normal of a deviation": (lambda: torch.normal(-1.0, constant(2.0)), stats.norm(-1.0, 2.0)),
    "normal of numbers": (lambda: torch.normal(5.0, 2.0, (N,)), stats.norm(5.0, 2.0)),
    "log-normal": (lambda: constant(0.0).log_normal_(1.0, 0.5), stats.lognorm(0.5, scale=np.e)),
    "wide log-normal": (lambda: constant(0.0).log_normal_(-3.0, 5.0), stats.lognorm(5.0, scale=np.exp(-3))),
    "rand": (lambda: torch.rand(N), stats.uniform()),
    "rand of a generator": (lambda: torch.rand(N, generator=None, dtype=torch.float64), stats.uniform()),
    "rand like": (lambda: torch.rand_like(constant(0.0)), stats.uniform()),
    "uniform": (lambda: constant(0.0).uniform_(-2.0, 5.0), stats.uniform(-2.0, 7.0)),
    "narrow uniform": (lambda: constant(0.0).uniform_(0.0, 1e-6), stats.uniform(0.0, 1e-6)),
    "exponential": (lambda: constant(0.0).exponential_(1.0), stats.expon()),
    "fast exponential": (lambda: constant(0.0).exponential_(1e4), stats.expon(scale=1e-4)),
    "slow exponential": (lambda: constant(0.0, torch.float32).exponential_(1e-4), stats.expon(scale=1e4)),
    "cauchy": (lambda: constant(0.0).cauchy_(), stats.cauchy()),
    "moved cauchy": (lambda: constant(0.0).cauchy_(3.0, 0.01), stats.cauchy(3.0, 0.01)),
    "large integers": (lambda: torch.randint(2**40, (N,)), stats.uniform(0, 2**40)),
    "slopes": (
        lambda: -torch.nn.functional.rrelu(constant(-1.0), 0.2, 0.7, training=True),
        stats.uniform(0.2, 0.5),
    ),
    **{f"gamma {a}": (lambda a=a: torch._standard_gamma(constant(a)), stats.gamma(a)) for a in (0.01, 0.7, 1, 5, 1e4)},
    "gamma 2 in single": (lambda: torch._standard_gamma(constant(2.0, torch.float32)), stats.gamma(2.0)),
    **{
        f"dirichlet {a}, {b}": (
            lambda a=a, b=b: torch._sample_dirichlet(torch.stack([constant(a), constant(b), constant(1.0)], -1))[:, 0],
            stats.beta(a, b + 1.0),
        )
        for a, b in ((0.05, 0.1), (1.0, 1.0), (3.0, 0.5), (500.0, 400.0))
    },
    **{
        f"von Mises {k}": (lambda k=k: own.von_mises(constant(k)), stats.vonmises(k))
        for k in (1e-12, 1e-3, 0.5, 5.0, 1e3)
    },
}
DISCRETE = {
    **{f"bernoulli {p}": (lambda p=p: torch.bernoulli(constant(p)), stats.bernoulli(p)) for p in (1e-3, 0.4, 0.999)},
    "bernoulli of a number": (lambda: constant(0.0).bernoulli_(0.2), stats.bernoulli(0.2)),
    "bernoulli of a tensor": (lambda: constant(0.0).bernoulli_(constant(0.7)), stats.bernoulli(0.7)),
    "integers": (lambda: torch.randint(7, (N,)), stats.randint(0, 7)),
    "integers of a generator": (lambda: torch.randint(7, (N,), generator=None), stats.randint(0, 7)),
    "integers between": (lambda: torch.randint(-3, 40, (N,), dtype=torch.int32), stats.randint(-3, 40)),
    "these of a generator": (lambda: torch.randint(-3, 4, (N,), generator=None), stats.randint(-3, 4)),
    "integers like": (lambda: torch.randint_like(constant(0.0), 5), stats.randint(0, 5)),
    "integers between, like": (lambda: torch.randint_like(constant(0.0), 2, 5), stats.randint(2, 5)),
    "a permutation": (lambda: torch.randperm(2 * N)[:N] // 2000, stats.randint(0, 20)),
    **{f"geometric {p}": (lambda p=p: constant(0.0).geometric_(p), stats.geom(p)) for p in (1e-3, 0.2, 0.9)},
    **{f"poisson {r}": (lambda r=r: torch.poisson(constant(r)), stats.poisson(r)) for r in (0.01, 0.8, 9.0, 70.0, 1e5)},
    **{
        f"binomial {n}, {p}": (lambda n=n, p=p: torch.binomial(constant(n), constant(p)), stats.binom(n, p))
        for n, p in ((1, 0.3), (10, 0.7), (1000, 1e-3), (1000, 0.999), (100, 0.5), (100_000, 0.3))
    },
    "dropout": (lambda: torch.native_dropout(constant(0.8), 0.2, True)[0].round(decimals=9), stats.bernoulli(0.8)),
    **{
        f"categories {n}": (
            lambda n=n: torch.multinomial(torch.arange(n, dtype=torch.float64), N, replacement=True),
            stats.rv_discrete(values=(np.arange(1, n), np.arange(1, n) / (n * (n - 1) / 2))),
        )
        for n in (5, 60)  # counted, and searched for
    },
}
LAWS = CONTINUOUS | DISCRETE


def draw_all() -> list[Tensor]:
    return [draw() for draw, _ in LAWS.values()]


@functools.cache
def drawn() -> dict[str, Tensor]:
    """All laws in one graph."""
    return dict(zip(LAWS, lowered(draw_all, key=jax.random.key(20)), strict=True))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_laws(name):
    assert stats.kstest(drawn()[name].numpy(), LAWS[name][1].cdf).pvalue > LEVEL


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_laws(name):
    """In cells of a twentieth or so each, or else of ten draws or so."""
    values, law = drawn()[name].numpy(), LAWS[name][1]
    edges = np.unique(law.ppf([5e-4, *np.linspace(0.05, 0.95, 19)]))
    edges = edges[law.sf(edges) > 4e-4]
    expected = N * np.diff([0.0, *law.cdf(edges), 1.0])
    assert len(expected) > 1
    assert expected.min() > 5
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(expected))
    least, most = law.support()
    assert ((least <= values) & (values <= most) & (values == np.floor(values))).all()
    assert stats.chisquare(counts, expected).pvalue > LEVEL


ORDERED = {
    "permutation": (lambda: torch.randperm(4), [1 / 24] * 24, 4, 4),
    "permutation of a generator": (lambda: torch.randperm(3, generator=None), [1 / 6] * 6, 3, 3),
    "few distinct": (lambda: own.distinct_indices(6, 2), [1 / 30] * 30, 6, 2),
    "most, distinct": (lambda: own.distinct_indices(4, 3), [1 / 24] * 24, 4, 3),
    "categories without replacement": (
        lambda: torch.multinomial(torch.tensor([0.1, 0.2, 0.3, 0.4]), 2),
        [a / 10 * b / (10 - a) for a, b in itertools.permutations((1, 2, 3, 4), 2)],
        4,
        2,
    ),
}


@pytest.mark.parametrize("name", ORDERED)
def test_choices_without_replacement(name):
    """One draw from each of many keys; all choices in their order."""
    fn, shares, size, count = ORDERED[name]
    graph = traced(fn)
    constants = {name: jax.numpy.asarray(each) for name, each in graph.constants.items()}
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(3), N)
        draw = jax.jit(jax.vmap(lambda key: interpret(graph.graph, [], constants, key)[0]))
        found = [tuple(row) for row in np.asarray(draw(keys)).tolist()]
    places = {each: place for place, each in enumerate(itertools.permutations(range(size), count))}
    counts = np.bincount([places[each] for each in found], minlength=len(shares))
    assert stats.chisquare(counts, N * np.asarray(shares)).pvalue > LEVEL


def test_few_distinct_indices_of_very_many():
    (found,) = lowered(lambda: own.distinct_indices(10**9, N), key=jax.random.key(5))
    assert len(found.unique()) == N
    assert stats.kstest(found.numpy(), stats.uniform(0, 10**9).cdf).pvalue > LEVEL


def test_level():
    assert (len(LAWS) + len(ORDERED) + 1) * LEVEL < 1e-4


def test_shapes_and_dtypes_are_those_of_eager_torch():
    for name, expected in zip(LAWS, draw_all(), strict=True):
        assert (drawn()[name].shape, drawn()[name].dtype) == (expected.shape, expected.dtype), name


EDGES = {
    "no noise": lambda: (torch.poisson(torch.zeros(2)), torch.binomial(torch.zeros(2), torch.full((2,), 0.3))),
    "sure": lambda: (torch.binomial(torch.full((2,), 5.0), torch.ones(2)), torch.bernoulli(torch.ones(2))),
    "none of them": lambda: (torch.randn(0, 3), torch._standard_gamma(torch.ones(0)), torch.randperm(0)),
    "nothing dropped": lambda: torch.native_dropout(torch.ones(2), 0.3, False),
    "all dropped": lambda: torch.native_dropout(torch.ones(2), 1.0, True),
    "mean slope": lambda: aten.rrelu_with_noise_functional(-torch.ones(2), torch.ones(2), 0.2, 0.4, False)[0],
}


@pytest.mark.parametrize("name", EDGES)
def test_what_is_certain_is_as_in_torch(name):
    expected = torch.utils._pytree.tree_leaves(EDGES[name]())
    for got, each in zip(lowered(EDGES[name], key=jax.random.key(0)), expected, strict=True):
        torch.testing.assert_close(got, each)


def test_nan_stays():
    graph = traced(lambda x: (torch._standard_gamma(x), torch.poisson(x), own.von_mises(x)), torch.ones(3)).graph
    with jax.enable_x64(True):
        drawn = jax.jit(lambda x, key: interpret(graph, [x], {}, key))(jax.numpy.full(3, nan), jax.random.key(0))
    assert all(jax.numpy.isnan(each).all() for each in drawn)


def test_nodes_and_steps_draw_differently():
    key = jax.random.key(7)
    first, second = lowered(lambda: (torch.randn(5), torch.randn(5)), key=key)
    assert not torch.isclose(first, second).any()
    torch.testing.assert_close(lowered(lambda: (torch.randn(5), torch.randn(5)), key=key)[0], first, rtol=0, atol=0)
    (next_step, _) = lowered(lambda: (torch.randn(5), torch.randn(5)), key=jax.random.fold_in(key, 1))
    assert not torch.isclose(first, next_step).any()


LEVELS = np.array([1e-4, 0.02, 0.3, 0.5, 0.8, 0.97, 0.9999])


def slope(quantile, a):
    """The derivative of ``quantile(a)``, by differences of the fourth order of its logarithm, which is smoother."""
    h, log = 1e-3 * a, lambda a: np.log(quantile(a))
    return quantile(a) * (8 * (log(a + h) - log(a - h)) - (log(a + 2 * h) - log(a - 2 * h))) / (12 * h)


@pytest.mark.parametrize("a", [0.05, 0.4, 1.0, 7.0, 80.0, 2000.0])
def test_a_gamma_variable_moves_as_its_quantile_does(a):
    value = torch.from_numpy(special.gammaincinv(a, LEVELS))
    (got,) = lowered(torch._standard_gamma_grad, torch.full_like(value, a), value)
    exact = slope(lambda a: special.gammaincinv(a, LEVELS), a)
    np.testing.assert_allclose(got.numpy(), exact, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (0.1, 0.3),
        (0.5, 4.0),
        (1.0, 1.0),
        (6.0, 2.0),
        (90.0, 40.0),
        (3.0, 800.0),
        (60.0, 6e4),
        (6e4, 60.0),
        (0.03, 5.0),
        (5.0, 0.05),
        (0.02, 0.03),
        (1e4, 1e4),
    ],
)
def test_a_coordinate_of_a_dirichlet_variable_moves_as_a_beta_quantile_does(a, b):
    value = torch.from_numpy(special.betaincinv(a, b, LEVELS))
    (got,) = lowered(torch._dirichlet_grad, value, torch.full_like(value, a), torch.full_like(value, a + b))
    exact = slope(lambda a: special.betaincinv(a, b, LEVELS), a)
    np.testing.assert_allclose(got.numpy() * (1 - value.numpy()), exact, rtol=1e-6, atol=1e-12)


def test_every_lowering_is_reached():
    x = torch.ones(2)
    reached = operators_of(draw_all) | operators_of(lambda: [fn() for fn, *_ in ORDERED.values()])
    reached |= operators_of(torch._standard_gamma_grad, x, x) | operators_of(torch._dirichlet_grad, x, x, x)
    assert lowerings_in(choice, distinct, gamma, random) <= reached
