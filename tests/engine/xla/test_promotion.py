"""Dtypes are promoted as torch's own reference of promotion says, for all pairs and triples."""

import itertools

import pytest
import torch
from torch._prims_common import ELEMENTWISE_TYPE_PROMOTION_KIND as REFERENCE
from torch._prims_common import elementwise_dtypes

from virgil.engine.xla.promotion import Kind, dtypes_of

HALVES = [torch.float16, torch.bfloat16]
WHOLE = [torch.bool, torch.uint8, torch.int32, torch.int64, torch.float32, torch.float64]
SETS = {"half precision": [*HALVES, *WHOLE], "complex": [*WHOLE, torch.complex64, torch.complex128]}  # not both at once
KINDS = {
    Kind.SAME: REFERENCE.DEFAULT,
    Kind.FLOAT: REFERENCE.INT_TO_FLOAT,
    Kind.NUMBER: REFERENCE.BOOL_TO_LONG,
    Kind.REAL: REFERENCE.COMPLEX_TO_FLOAT,
    Kind.TRUTH: REFERENCE.ALWAYS_BOOL,
}


def _stand_in(arg):
    return arg(1) if isinstance(arg, type) else torch.empty((2,) * arg[1], dtype=arg[0], device="meta")


@pytest.mark.parametrize("among", SETS)
@pytest.mark.parametrize("default", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_all_combinations(kind, default, among):
    described = [*itertools.product(SETS[among], (True, False)), bool, int, float]
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        for args in itertools.chain.from_iterable(itertools.product(described, repeat=count) for count in (1, 2, 3)):
            expected = elementwise_dtypes(*map(_stand_in, args), type_promotion_kind=KINDS[kind])
            assert dtypes_of(args, kind) == expected, args
    finally:
        torch.set_default_dtype(before)
