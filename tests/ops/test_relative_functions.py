"""Functions over their argument, against SciPy and in derivatives, at zero too."""

import numpy as np
import pytest
import torch
from scipy import special

from virgil.ops.relative_functions import atan_ratio, expm1_ratio, log1p_ratio

X = torch.tensor([-0.6, -0.021, -0.019, -1e-9, 0.0, 1e-300, 1e-5, 0.0199, 0.0201, 3.0], dtype=torch.double)
CASES = [
    (log1p_ratio, lambda x: np.log1p(x) / x, -0.5),
    (expm1_ratio, special.exprel, 0.5),
    (atan_ratio, lambda x: np.arctan(x) / x, 0.0),
]


@pytest.mark.parametrize(("fn", "reference", "slope"), CASES)
def test_values_and_derivatives(fn, reference, slope):
    x = X[X != 0]
    torch.testing.assert_close(fn(x), torch.as_tensor(reference(x.numpy())), rtol=1e-14, atol=0)
    zero = torch.zeros((), dtype=torch.double, requires_grad=True)
    assert fn(zero).item() == 1
    assert torch.autograd.grad(fn(zero), zero)[0].item() == slope
    assert torch.autograd.gradcheck(fn, X.clone().requires_grad_())
