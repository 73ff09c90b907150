"""The plain forms of operators are those operators: torch's own kernels say what they give."""

import itertools

import pytest
import torch

from virgil.engine.operators.core_aten import PLAIN

aten = torch.ops.aten
INF, NAN = torch.inf, torch.nan
EDGES = [-INF, -100.0, -21.0, -1.5, -1e-30, 0.0, 1e-30, 0.3, 19.9, 20.1, 700.0, INF]
TALL = [[-INF, -INF, 2.0], [1.0, INF, -INF], [0.5, -800.0, 900.0]]


def _pairs(values):
    ones, others = zip(*itertools.product(values, values), strict=True)
    return list(ones), list(others)


def _tensor(values):
    return torch.tensor(values, dtype=torch.float64)


ONES, OTHERS = map(_tensor, _pairs([-2.0, -0.0, 0.0, 0.5, 3.0, INF, NAN]))
X = _tensor(EDGES)
SAMPLES = {
    aten.addcdiv.default: [((ONES, OTHERS, ONES.flip(0)), {}), ((ONES, OTHERS, ONES.flip(0)), {"value": -0.5})],
    aten.addcmul.default: [((ONES, OTHERS, ONES.flip(0)), {}), ((ONES, OTHERS, ONES.flip(0)), {"value": 3})],
    aten.lerp.Scalar: [((ONES[:12], OTHERS[:12], weight), {}) for weight in (0.0, 0.25, 0.5, 0.9, 1.0, 2.0)],
    aten.log_sigmoid_backward.default: [((X.flip(0), X, torch.exp(-X.abs())), {})],
    aten.log_sigmoid_forward.default: [((X,), {})],
    aten.logsumexp.default: [
        ((_tensor(TALL), dims, keepdim), {}) for dims in ([0], [1], [-1], [0, 1], [1, 0]) for keepdim in (False, True)
    ],
    aten.ones.default: [(([2, 0],), {}), (([3],), {"dtype": torch.int64}), (([],), {"device": torch.device("cpu")})],
    aten.sigmoid_backward.default: [((X.flip(0), torch.sigmoid(X)), {})],
    aten.softplus.default: [((X,), {}), ((X, 2.0, 5.0), {}), ((X, 0.5), {})],
    aten.softplus_backward.default: [((torch.ones_like(X), X, 1, 20), {}), ((torch.ones_like(X), X, 2.0, 5.0), {})],
    aten.split.Tensor: [((torch.arange(14).view(7, 2), size, dim), {}) for size in (1, 3, 7, 9) for dim in (0, 1, -1)],
    aten.stack.default: [(([torch.ones(2, 3), torch.zeros(2, 3)], dim), {}) for dim in (0, 1, 2, -1, -3)],
    aten.unbind.int: [((torch.arange(12).view(3, 2, 2), dim), {}) for dim in (0, 1, -1)],
    aten.xlogy.Tensor: [((ONES, OTHERS), {}), ((ONES.abs(), OTHERS.abs()), {})],
    aten.zeros.default: [(([2, 0],), {}), (([3],), {"dtype": torch.bool})],
}


def test_every_plain_form_has_samples():
    assert SAMPLES.keys() == PLAIN.keys()


@pytest.mark.parametrize("operator", PLAIN, ids=str)
def test_they_give_what_torch_gives(operator):
    for args, kwargs in SAMPLES[operator]:
        found, expected = PLAIN[operator](*args, **kwargs), operator(*args, **kwargs)
        if operator is aten.split.Tensor or operator is aten.unbind.int:
            assert len(found) == len(expected)
        torch.testing.assert_close(tuple(found) if isinstance(found, list) else found,
                                   tuple(expected) if isinstance(expected, list) else expected,
                                   rtol=1e-14, atol=1e-300, equal_nan=True)  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_they_leave_other_dtypes_to_torch(dtype):
    x = torch.ones(3).to(dtype)
    assert PLAIN[aten.xlogy.Tensor](x, x) is NotImplemented
    assert PLAIN[aten.softplus.default](x) is NotImplemented
