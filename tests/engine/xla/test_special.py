"""Special functions, lowered, agree with torch where torch is accurate, and with other sources where it is not."""

import numpy as np
import pytest
import torch
from scipy import special as reference

from tests.engine.xla.harness import (
    assert_gradient_lowered,
    assert_lowered,
    assert_samples_lowered,
    lowered,
    lowerings_in,
    samples_of,
)
from virgil.engine.xla.lowerings import bessel, polynomials, special

pytestmark = pytest.mark.every_engine


NAMES = """
erf erfc erfinv i0 igamma igammac lgamma mvlgamma/mvlgamma_p_3
special.erfcx special.i0e special.i1 special.i1e special.log_ndtr special.ndtri special.zeta
special.modified_bessel_i0 special.modified_bessel_i1 special.modified_bessel_k0 special.modified_bessel_k1
special.scaled_modified_bessel_k0 special.scaled_modified_bessel_k1 special.spherical_bessel_j0
special.chebyshev_polynomial_t special.chebyshev_polynomial_u special.chebyshev_polynomial_v
special.chebyshev_polynomial_w special.shifted_chebyshev_polynomial_t special.shifted_chebyshev_polynomial_u
special.shifted_chebyshev_polynomial_v special.shifted_chebyshev_polynomial_w special.hermite_polynomial_h
special.hermite_polynomial_he special.laguerre_polynomial_l special.legendre_polynomial_p
"""
OPERATORS = NAMES.split()
FLOATS_ONLY = {"igamma", "igammac"}
# Torch's own are accurate to these only, in float64: near poles, and Bessel functions from 5 on.
COARSE = {
    "digamma": 1e-8,
    "polygamma/polygamma_n_1": 1e-8,
    "polygamma/polygamma_n_4": 1e-8,
    "special.bessel_j0": 1e-5,
    "special.bessel_j1": 1e-5,
    "special.bessel_y0": 1e-5,
    "special.bessel_y1": 1e-5,
}


@pytest.mark.parametrize("name", [*OPERATORS, *COARSE])
def test_operators_agree_with_torch(name):
    """Values and derivatives in float64; values in float32 and, where torch takes them, of integers."""
    assert_samples_lowered(samples_of(name, torch.float64, 2, True), rtol=COARSE.get(name, 1e-10), atol=1e-12)
    for dtype in (torch.float32,) if name in FLOATS_ONLY else (torch.float32, torch.int64):
        assert_samples_lowered(samples_of(name, dtype, 1, False), rtol=1e-4 if name in COARSE else 1e-5, atol=1e-5)


def test_every_lowering_is_reached():
    names = [*OPERATORS, *COARSE]
    reached = set().union(*(each.operators for name in names for each in samples_of(name, torch.float64, 2, True)))
    missed = lowerings_in(bessel, polynomials, special) - reached
    assert {each._overloadname for each in missed} <= {"x_scalar", "n_scalar", "self_scalar", "other_scalar"}


def test_one_argument_may_be_a_number():
    x = torch.tensor([1.5, 2.5, 4.0], dtype=torch.float64)
    for function in (torch.special.zeta, torch.special.chebyshev_polynomial_t, torch.special.laguerre_polynomial_l):
        assert_lowered(lambda x, function=function: function(x, 3), x)
        assert_lowered(lambda x, function=function: function(2.5, x), x)


SMALL, LARGE = np.geomspace(1e-8, 1.0, 40), np.linspace(1.0, 60.0, 120)
POSITIVE = np.concatenate([SMALL, LARGE, np.geomspace(60.0, 1e4, 20)])
BETWEEN = -np.linspace(0.013, 19.97, 150)  # poles lie at the whole numbers
OPEN = np.concatenate([SMALL / 2, 1 - SMALL[::2] / 2])
REFERENCES = {
    "lgamma": (torch.lgamma, reference.gammaln, np.concatenate([POSITIVE, BETWEEN])),
    "digamma": (torch.digamma, reference.digamma, np.concatenate([POSITIVE, BETWEEN])),
    "polygamma 1": (lambda x: torch.polygamma(1, x), lambda x: reference.polygamma(1, x), POSITIVE),
    "polygamma 3": (lambda x: torch.polygamma(3, x), lambda x: reference.polygamma(3, x), POSITIVE),
    "erfc": (torch.erfc, reference.erfc, np.linspace(-6, 26, 100)),
    "erfcx": (torch.special.erfcx, reference.erfcx, np.linspace(-6, 60, 100)),
    "erfinv": (torch.erfinv, reference.erfinv, np.concatenate([OPEN, -OPEN])),
    "ndtri": (torch.special.ndtri, reference.ndtri, OPEN),
    "i0e": (torch.special.i0e, reference.i0e, POSITIVE),
    "i1e": (torch.special.i1e, reference.i1e, POSITIVE),
    "j0": (torch.special.bessel_j0, reference.j0, POSITIVE),
    "j1": (torch.special.bessel_j1, reference.j1, np.concatenate([POSITIVE, -POSITIVE])),
    "y0": (torch.special.bessel_y0, reference.y0, POSITIVE),
    "y1": (torch.special.bessel_y1, reference.y1, POSITIVE),
    "k0e": (torch.special.scaled_modified_bessel_k0, reference.k0e, POSITIVE),
    "k1e": (torch.special.scaled_modified_bessel_k1, reference.k1e, POSITIVE),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_accuracy_in_double(name):
    """Relative to the value, or to 1 near a zero of an oscillating function: 1e-12, where scipy has 1e-14."""
    function, exact, points = REFERENCES[name]
    (got,) = lowered(function, torch.from_numpy(points))
    np.testing.assert_allclose(got.numpy(), exact(points), rtol=1e-12, atol=1e-14 if name in ZEROS else 0.0)


ZEROS = {"lgamma", "digamma", "ndtri", "j0", "j1", "y0", "y1"}


@pytest.mark.parametrize("a", [0.1, 1.5, 10.0, 100.0, 1000.0])
def test_incomplete_gamma_functions(a):
    """To 1e-10 of the smaller of the two tails, which torch itself has not for large a."""
    x = a * np.linspace(0.4, 1.8, 60)
    order = torch.full((60,), a, dtype=torch.float64)
    lower, upper = lowered(
        lambda a, x: (torch.special.gammainc(a, x), torch.special.gammaincc(a, x)), order, torch.from_numpy(x)
    )
    np.testing.assert_allclose(lower.numpy(), reference.gammainc(a, x), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(upper.numpy(), reference.gammaincc(a, x), rtol=1e-10, atol=1e-300)


def test_polygamma_between_its_poles_is_that_of_the_reflected_argument():
    """psi'(1 - x) + psi'(x) = pi^2 / sin(pi x)^2."""
    x = torch.from_numpy(BETWEEN)
    (below, above) = lowered(lambda x: (torch.polygamma(1, x), torch.polygamma(1, 1 - x)), x)
    torch.testing.assert_close(below + above, (torch.pi / torch.sin(torch.pi * x)) ** 2, rtol=1e-9, atol=0.0)


EDGES = torch.tensor([0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan")], dtype=torch.float64)
EDGE_FUNCTIONS = {
    "lgamma": (torch.lgamma, EDGES),
    "digamma": (torch.digamma, EDGES[[0, 1, 2, 3, 4, 6]]),
    "polygamma": (lambda x: torch.polygamma(2, x), EDGES[[0, 2, 3, 6]]),
    "erf": (torch.erf, EDGES),
    "erfinv": (torch.erfinv, EDGES),
    "erfcx": (torch.special.erfcx, EDGES),
    "ndtri": (torch.special.ndtri, EDGES),
    "log_ndtr": (torch.special.log_ndtr, EDGES),
    "i0e": (torch.special.i0e, EDGES),
    "j0": (torch.special.bessel_j0, EDGES),
    "y0": (torch.special.bessel_y0, EDGES),
    "y1": (torch.special.bessel_y1, EDGES),
    "k0": (torch.special.modified_bessel_k0, EDGES),
    "k1e": (torch.special.scaled_modified_bessel_k1, EDGES),
    "spherical": (torch.special.spherical_bessel_j0, EDGES),
}


@pytest.mark.parametrize("name", EDGE_FUNCTIONS)
def test_edges(name):
    function, points = EDGE_FUNCTIONS[name]
    assert_lowered(function, points, rtol=1e-12, atol=1e-13)
    assert_lowered(function, points.float())


@pytest.mark.parametrize("s", [-1.0, 0.0, 1.0, 2.0, 3.0, 2.5])
def test_zeta_on_both_sides_of_zero(s):
    q = torch.tensor([-3.0, -2.5, -0.5, 0.0, 0.5, 1.0, 30.0, float("nan")], dtype=torch.float64)
    assert_lowered(lambda s, q: torch.special.zeta(s, q), torch.full_like(q, s), q, rtol=1e-12, atol=0.0)


def test_gradients_of_incomplete_gamma_in_its_argument():
    x = torch.linspace(0.1, 20.0, 30, dtype=torch.float64, requires_grad=True)
    a = torch.linspace(0.5, 9.0, 30, dtype=torch.float64)
    assert_gradient_lowered(
        lambda x: (torch.special.gammainc(a, x), torch.special.gammaincc(a, x)), x, rtol=1e-10, atol=1e-14
    )
