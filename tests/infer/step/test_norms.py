"""An eager step looks at every gradient, whatever its shape, and records its norm."""

import math

import pytest
import torch

import virgil
from virgil.errors import NonFiniteError
from virgil.infer import SVI, Trace_ELBO

SHAPES = [(), (1,), (3,), (2, 3), (0,)]


def _svi(shape, power):
    """The gradient is that of the sum of ``w ** power`` over a parameter of this shape, and of ``v``."""

    def model():
        w = virgil.param("w", torch.full(shape, 2.0))
        v = virgil.param("v", torch.tensor(-1.0))
        virgil.factor("loss", -(w ** power[0]).sum() - v)

    return SVI(model, lambda: None, virgil.optim.SGD({"lr": 0.0}), Trace_ELBO())


@pytest.mark.parametrize("shape", SHAPES)
def test_the_norms_that_an_eager_run_records_are_euclidean(shape):
    fit = _svi(shape, [2.0]).run(2, engine="eager", progress=False)
    torch.testing.assert_close(fit.gradient_norms["w"], torch.full((2,), 4.0 * math.sqrt(math.prod(shape))))
    torch.testing.assert_close(fit.gradient_norms["v"], torch.ones(2))


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != (0,)])
def test_a_gradient_of_any_shape_that_is_not_finite_ends_the_step(shape):
    power = [2.0]
    svi = _svi(shape, power)
    svi.step()
    virgil.get_param_store()["w"] = torch.zeros(shape)
    power[0] = 0.5  # the square root's derivative at zero is infinite, and its value is not
    with pytest.raises(NonFiniteError, match="The loss is finite, but the gradient of 'w' is not"):
        svi.step()
    assert torch.equal(virgil.get_param_store()["w"].detach(), torch.zeros(shape))
