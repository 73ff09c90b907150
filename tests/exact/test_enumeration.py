"""What is summed out is summed out exactly: value and gradient equal those of a sum over all assignments."""

from dataclasses import replace

import pytest
import torch

from tests.exact.enumeration_models import MODELS
from tests.exact.enumeration_plates import PLATED
from tests.exact.estimates import estimates, exact_gradient
from virgil.infer import TraceEnum_ELBO


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


SUMMED = {**MODELS, **PLATED}


def agrees(case):
    (row,) = estimates(replace(case, particles=1), TraceEnum_ELBO, batches=1)
    loss, gradient = exact_gradient(case)
    assert row[0].item() == pytest.approx(loss, rel=1e-9)
    torch.testing.assert_close(row[1:], gradient, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("case", SUMMED.values(), ids=SUMMED)
def test_value_and_gradient_equal_those_of_brute_force(case):
    agrees(case)
