"""Operations on lists of tensors are those on each, with torch's kernels for lists and without."""

import re

import pytest
import torch

from tests.house.source import ROOT
from virgil.ops.foreach import foreach

SOURCES = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
USED = sorted(set(re.findall(r'\bforeach\("(\w+)"', SOURCES)))
ARGS = {
    "add_": [((1.5,), {}), (("list",), {"alpha": 0.25}), ((1,), {})],
    "addcmul_": [(("list", "list"), {"value": 0.5})],
    "clamp_max_": [((0.5,), {})],
    "clamp_min": [((-0.5,), {})],
    "clamp_min_": [((-0.5,), {})],
    "copy_": [(("list",), {})],
    "div": [(("list",), {})],
    "div_": [(("list",), {})],
    "lerp_": [(("list", 0.1), {})],
    "mul": [((10.0,), {})],
    "mul_": [((0.9,), {}), (("list",), {})],
    "norm": [((), {})],
    "reciprocal_": [((), {})],
    "sqrt": [((), {})],
    "sub": [(("list",), {})],
    "sub_": [(("list",), {})],
}


def _tensors(seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(), (3,), (2, 4)]
    return [torch.rand(shape, dtype=torch.float64, generator=generator) + 0.1 for shape in shapes]


def test_every_operation_in_use_has_cases():
    assert ARGS.keys() == set(USED)


@pytest.mark.parametrize("name", USED)
@pytest.mark.parametrize("has_kernel", [True, False])
def test_each_tensor_gets_its_own(name, has_kernel, monkeypatch):
    single = torch.linalg.vector_norm if name == "norm" else getattr(torch.Tensor, name)
    if not has_kernel:
        monkeypatch.delattr(torch, f"_foreach_{name}")
    for args, kwargs in ARGS[name]:
        given = [_tensors(seed) if each == "list" else each for seed, each in enumerate(args, 1)]
        before = _tensors(0)
        results = foreach(name, before, *given, **kwargs)
        for place, fresh in enumerate(_tensors(0)):
            row = [each[place] if isinstance(each, list) else each for each in given]
            expected = single(fresh, *row, **kwargs)
            torch.testing.assert_close(results[place], expected, rtol=1e-15, atol=0)
            changed = expected if name.endswith("_") else _tensors(0)[place]
            torch.testing.assert_close(before[place], changed, rtol=1e-15, atol=0)
