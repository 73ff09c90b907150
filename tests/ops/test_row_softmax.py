"""The softmax of short rows against torch's own, in double precision."""

import pytest
import torch

from virgil.ops.row_softmax import log_softmax_of_rows, softmax_of_rows


@pytest.mark.parametrize("shape", [(3,), (7, 3), (5_000, 3), (50, 40, 4), (2_000, 20)])
def test_values_and_derivatives_are_those_of_torch(shape):
    torch.manual_seed(0)
    logits = torch.randn(shape, dtype=torch.double).requires_grad_()
    weights = torch.rand(shape, dtype=torch.double)
    for ours, theirs in ((log_softmax_of_rows, torch.log_softmax), (softmax_of_rows, torch.softmax)):
        found, expected = ours(logits), theirs(logits, -1)
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)
        slopes = [torch.autograd.grad((weights * each).sum(), logits)[0] for each in (found, expected)]
        torch.testing.assert_close(*slopes, rtol=1e-13, atol=1e-14)
