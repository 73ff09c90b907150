"""Operators that work element by element, lowered, agree with eager torch: in dtype, and at NaN and inf, as well."""

import functools
import itertools

import pytest
import torch
from torch import Tensor, inf, nan
from torch.nn import functional

from tests.engine.xla.harness import (
    accepted,
    assert_lowered,
    assert_samples_lowered,
    captured,
    lowerings_in,
    samples_of,
)
from virgil.engine.xla.lowerings import pointwise

pytestmark = pytest.mark.every_engine


aten, prims = torch.ops.aten, torch.ops.prims

OF_ONE = """
abs neg sign sgn ceil floor trunc round exp exp2 expm1 log log1p log2 log10 sqrt rsqrt reciprocal square
sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid nan_to_num deg2rad frac positive sinc logit angle
isnan isinf isfinite signbit logical_not bitwise_not
nn.functional.relu nn.functional.elu nn.functional.celu nn.functional.selu nn.functional.silu nn.functional.mish
nn.functional.leaky_relu nn.functional.hardtanh nn.functional.relu6 nn.functional.softplus nn.functional.logsigmoid
nn.functional.softsign nn.functional.hardswish nn.functional.hardshrink nn.functional.softshrink
nn.functional.tanhshrink
"""
OF_TWO = """
add sub mul div/no_rounding_mode pow float_power remainder fmod maximum minimum fmax fmin clamp_min clamp_max
hypot nextafter atan2 logaddexp logaddexp2 copysign heaviside xlogy eq ne lt le gt ge isclose
logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm
"""
OF_MORE = """
nn.functional.gelu div/floor_rounding div/trunc_rounding rsub addcmul addcdiv lerp ldexp clamp where
round/decimals_0 round/decimals_3 round/decimals_neg_3
"""
UNARY, BINARY, OTHERS = OF_ONE.split(), OF_TWO.split(), OF_MORE.split()
WHOLE = ("bitwise", "gcd", "lcm")  # those not of floats


def of_table(names):
    floats = [each for name in names if not name.startswith(WHOLE) for each in samples_of(name, torch.float64, 1, True)]
    return floats + [
        each for name in names if name.startswith(WHOLE) for each in samples_of(name, torch.int64, 1, False)
    ]


NAMES = [*UNARY, *BINARY, *OTHERS]
BATCHES = [tuple(NAMES[start : start + 12]) for start in range(0, len(NAMES), 12)]


@pytest.mark.parametrize("names", BATCHES, ids=lambda names: f"{names[0]}-{names[-1]}")
def test_operators_agree_with_torch(names):
    """In float64 with derivatives, at the sample inputs of torch."""
    assert_samples_lowered(of_table(names))


FLOATS = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -3.5, 30.0, -800.0, 1e-300, inf, -inf, nan]
EDGES = {
    torch.float64: torch.tensor(FLOATS, dtype=torch.float64),
    torch.float32: torch.tensor(FLOATS, dtype=torch.float32),
    torch.int64: torch.tensor([0, 1, -1, 2, -3, 7, 100, -128]),
    torch.uint8: torch.tensor([0, 1, 2, 7, 255], dtype=torch.uint8),
    torch.bool: torch.tensor([True, False]),
}
SINGLE = [(each,) for each in EDGES.values()] + [(torch.zeros(2, 0),), (torch.tensor(-0.5),)]


def grid(first: torch.dtype, second: torch.dtype) -> tuple[Tensor, Tensor]:
    """Each of the edges with each, whole numbers not divided by zero, which torch refuses."""
    x, y = EDGES[first], EDGES[second]
    return x[:, None].clone(), y[None] if y.is_floating_point() else y[y != 0][None]


PAIRS = [
    *(grid(each, each) for each in (torch.float64, torch.int64, torch.bool)),
    grid(torch.float32, torch.float64),
    grid(torch.float32, torch.bool),
    grid(torch.float64, torch.int64),
    grid(torch.uint8, torch.int64),
    (EDGES[torch.float32], torch.tensor(-0.5, dtype=torch.float64)),  # a tensor without dims does not widen
    (EDGES[torch.int64].int(), torch.tensor(2)),
    (EDGES[torch.bool], torch.tensor(-0.0)),
    (torch.tensor(True), torch.tensor(2.5)),
    (torch.zeros(0, 3), torch.zeros(3, dtype=torch.float64)),
]
NUMBERS = {
    "added": lambda x: (x + True, x + 3, 0.5 + x, torch.add(x, x, alpha=2)),
    "taken away": lambda x: (x - 3, 3 - x, torch.sub(x, x, alpha=2)),
    "multiplied": lambda x: (x * 3, x * 0.5, x * inf),
    "divided": lambda x: (x / 3, 3 / x, x / 0.0),
    "divided and rounded": lambda x: (x // 3, x // 0.75, x // -0.75, torch.div(x, 0.75, rounding_mode="trunc")),
    "divided and cut": lambda x: (
        torch.div(x, 3, rounding_mode="trunc"),
        aten.div.Scalar_mode(x, 3, rounding_mode=None),
    ),
    "what is left": lambda x: (x % 3, x % -3, x % -0.75, torch.fmod(x, 3), torch.fmod(x, -0.75)),
    "what is left of a number": lambda x: 7 % x.clamp(min=1),
    "powers": lambda x: (x**2, x**3, x**0, x**0.5, x**1.5),
    "inverse powers": lambda x: (x**-0.5, x**-1.0, x**-2.0),
    "powers of a number": lambda x: (2**x, 2.0**x, 0.0**x, 1**x),
    "compared": lambda x: (x == 1, x != 1, x >= 1, x > 0.5, x < 0.5, x <= nan),
    "moved": lambda x: (x << 1, x >> 1, 1 << x.clamp(0, 7), 100 >> x.clamp(0, 7)),
    "moved by themselves": lambda x: (x << x.clamp(0, 7), x >> x.clamp(0, 7)),
    "moved by": lambda x: (aten.bitwise_left_shift(x, 2), aten.bitwise_right_shift(x, 2)),
    "bits": lambda x: (x & 3, x | 3, x ^ 3),
    "signs": lambda x: (torch.copysign(x, -1.0), torch.copysign(x, -0.0)),
    "between": lambda x: (x.clamp(-1, 2), x.clamp(max=1), x.clamp(2, 1), x.clamp(min=nan)),
    "between fractions": lambda x: (x.clamp(-0.5, 0.5), functional.hardtanh(x)),
    "rounded": lambda x: (torch.round(x, decimals=1), torch.round(x, decimals=-1)),
    "slopes": lambda x: (functional.elu(x, -1.5), functional.leaky_relu(x, -0.5), functional.threshold(x, 0.5, 2.0)),
    "made finite": lambda x: torch.nan_to_num(x, 1.0, 2.0, -3.0),
    "chosen": lambda x: (torch.where(x > 0, x, 0), torch.where(x > 0, 1.0, x), torch.where(x > 0, 1, 2)),
    "filled": lambda x: x.masked_fill(x > 0, -1),
    "joined": lambda x: (torch.addcmul(x, x, x, value=2), torch.addcdiv(x, x, x, value=0.5), torch.lerp(x, x + 1, x)),
    "widths": lambda x: (x.float(), x.double(), x.bool(), x.to(torch.complex128).real),
    "whole": lambda x: (x.nan_to_num().clamp(-100, 100).long(), x.isnan().to(torch.uint8)),
    "written": lambda x: torch.zeros(2, *x.shape, dtype=torch.int32).copy_(x.nan_to_num().clamp(0, 1)),
    "times the logarithm of a number": lambda x: torch.xlogy(x, 2.0),
    "copied": lambda x: (aten.detach_copy(x), prims.convert_element_type(x, torch.float64)),
    "copied in another order": lambda x: prims.copy_strided(x.expand(2, *x.shape), [1, 2]),
    "products with truth values": lambda x: (x * (x > 0), (x > 0).double() * x, (x < 0) / x, (x > 0).float() / -0.0),
}


def of_name(name: str):
    name = name.partition("/")[0].removeprefix("nn.functional.")
    return getattr(torch, name, None) or getattr(functional, name)


@functools.cache
def edges_of(name: str):
    """One graph with all arguments that torch takes."""
    if name in BINARY:
        fn, cases = of_name(name), PAIRS
    else:
        fn, cases = NUMBERS.get(name) or of_name(name), SINGLE
    cases = accepted(fn, cases)
    assert cases
    counts = [len(case) for case in cases]

    def each(*tensors: Tensor):
        given = iter(tensors)
        return [fn(*itertools.islice(given, count)) for count in counts]

    return captured(each, *(tensor for case in cases for tensor in case))


@pytest.mark.parametrize("name", [*UNARY, *BINARY, *NUMBERS])
def test_edges_and_dtypes(name):
    assert_samples_lowered([edges_of(name)])


def test_gelu():
    """Apart: in float32 torch gives NaN at inf."""
    x = EDGES[torch.float64]
    assert_lowered(lambda x: (functional.gelu(x), functional.gelu(x, approximate="tanh")), x)


def test_powers_wrap_around():
    """As ``a ** b`` modulo the width of the dtype."""
    a, b = torch.tensor([3, -7, 2, 10, 255]), torch.tensor([41, 63, 64, 19, 255])
    exact = [pow(x, y, 2**64) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    wrapped = [each - 2**64 * (each >= 2**63) for each in exact]
    one = captured(torch.pow, a, b)
    assert one.expected[0].tolist() == wrapped
    assert_samples_lowered([one])


def test_absolute_values_of_complex_numbers():
    assert_lowered(lambda x: torch.abs(torch.view_as_complex(x)), torch.randn(4, 2, dtype=torch.float64))


def test_every_lowering_is_reached():
    reached = set().union(*(each.operators for names in BATCHES for each in of_table(names)))
    reached |= set().union(*(edges_of(name).operators for name in [*UNARY, *BINARY, *NUMBERS]))
    assert lowerings_in(pointwise) <= reached
