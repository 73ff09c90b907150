"""Convolution, pooling, resampling and normalisation, and layers made of them, agree with eager torch."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.utils import parametrizations

from tests.engine.xla.harness import (
    assert_lowered,
    assert_samples_lowered,
    lowered,
    lowerings_in,
    operators_of,
    samples_of,
)
from virgil.engine.xla.lowerings import convolution, normalisation, pooling, resampling

pytestmark = [pytest.mark.every_engine, pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")]

NAMES = """
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
interpolate/nearest interpolate/nearest-exact interpolate/linear interpolate/bilinear interpolate/trilinear
interpolate/bicubic batch_norm instance_norm layer_norm group_norm rms_norm local_response_norm
"""
OPERATORS = [f"nn.functional.{name}" for name in NAMES.split()]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_torch(name):
    """In float64 with derivatives; in float32, where sums are in another order, without."""
    assert_samples_lowered(samples_of(name, torch.float64, 3, True), rtol=1e-10, atol=1e-11)
    assert_samples_lowered(samples_of(name, torch.float32, 1, False), rtol=1e-4, atol=1e-4)


RESIZED = {
    (mode, size): lambda x, mode=mode, size=size: functional.interpolate(x, size, mode=mode)
    for mode, sizes in {
        "nearest": [(4,), (4, 9), (4, 9, 5)],
        "nearest-exact": [(4,), (4, 9), (4, 9, 5)],
        "linear": [(9,)],
        "bilinear": [(4, 9)],
        "trilinear": [(4, 9, 5)],
        "bicubic": [(4, 9)],
    }.items()
    for size in sizes
}


def with_gradient(function):
    def both(x: Tensor) -> tuple[Tensor, ...]:
        result = function(x)
        return result, *torch.autograd.grad((result**2).sum(), x)

    return both


def images(axes: int) -> Tensor:
    return torch.randn((2, 3, *(7, 6, 5)[:axes]), dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("case", RESIZED, ids=str)
def test_resizing(case):
    """Up along one axis and down along another, with derivatives."""
    assert_lowered(with_gradient(RESIZED[case]), images(len(case[1])), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("scale", [0.4, 1.3, 2.0])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
def test_resizing_by_a_factor(mode, scale):
    """The factor given, which is not the quotient of the sizes, says where the samples lie."""
    resize = with_gradient(lambda x: functional.interpolate(x, scale_factor=scale, mode=mode))
    assert_lowered(resize, images(2), rtol=1e-6, atol=1e-6)  # torch takes the factor in float32


def test_every_lowering_is_reached():
    reached = set().union(*(each.operators for name in OPERATORS for each in samples_of(name, torch.float64, 3, True)))
    for case, resize in RESIZED.items():
        reached |= operators_of(with_gradient(resize), images(len(case[1])))
    for name in ("batch norm, evaluating", "batch norm without statistics", "weight norm"):
        reached |= operators_of(*captured(name, torch.float64))
    assert lowerings_in(convolution, normalisation, pooling, resampling) <= reached


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_maxima_with_nan_ties_and_infinities(dtype):
    x = torch.tensor([[3, 3, 1, 2], [3, 0, 1, 2], [-1, -2, 5, 5], [-3, -4, 5, 5]]).to(dtype)[None, None]
    if dtype == torch.float32:
        x = torch.cat([x, x.masked_fill(x == 0, float("nan")), x.masked_fill(x < 3, float("-inf"))])
    for pool in (
        lambda x: functional.max_pool2d(x, 2, return_indices=True),
        lambda x: functional.max_pool2d(x, 3, 2, padding=1, return_indices=True),
        lambda x: functional.max_pool2d(x, 2, 1, dilation=2, return_indices=True),
        lambda x: functional.max_pool2d(x, 3, 2, ceil_mode=True, return_indices=True),
    ):
        assert_lowered(pool, x)


LAYERS = {
    "batch norm": (lambda: nn.BatchNorm1d(4), (6, 4)),
    "batch norm of images": (lambda: nn.BatchNorm2d(4), (2, 4, 3, 3)),
    "batch norm, evaluating": (lambda: nn.BatchNorm1d(4).eval(), (6, 4)),
    "batch norm without statistics": (lambda: nn.BatchNorm1d(4, track_running_stats=False), (6, 4)),
    "weight norm": (lambda: parametrizations.weight_norm(nn.Linear(4, 3)), (6, 4)),
    "spectral norm": (lambda: parametrizations.spectral_norm(nn.Linear(4, 3)), (6, 4)),
    "orthogonal": (lambda: parametrizations.orthogonal(nn.Linear(4, 3)), (6, 4)),
    "LSTM": (lambda: nn.LSTM(4, 3, bidirectional=True), (3, 2, 4)),
    "GRU": (lambda: nn.GRU(4, 3, 2, batch_first=True), (2, 3, 4)),
    "RNN": (lambda: nn.RNN(4, 3), (3, 2, 4)),
    "LSTM cell": (lambda: nn.LSTMCell(4, 3), (2, 4)),
    "transformer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), (5, 2, 4)),
    "transformer, evaluating": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval(), (2, 5, 4)),
    "convolutional network": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)),
        (3, 1, 11, 11),
    ),
}


def captured(name, dtype):
    """A function of parameters, buffers and input that gives outputs, gradients and new buffers, and its arguments."""
    make, shape = LAYERS[name]
    layer = make().to(dtype)
    parameters, buffers = dict(layer.named_parameters()), dict(layer.named_buffers())

    def run(parameters, buffers, x):
        buffers = {key: each.clone() for key, each in buffers.items()}
        result = functional_call(layer, {**parameters, **buffers}, (x,))
        outputs = [result] if isinstance(result, Tensor) else [result[0]]
        gradients = torch.autograd.grad((outputs[0] ** 2).sum(), list(parameters.values()))
        return outputs, gradients, list(buffers.values())

    values = {key: each.detach().clone().requires_grad_() for key, each in parameters.items()}
    return run, values, {key: each.clone() for key, each in buffers.items()}, torch.randn(shape, dtype=dtype)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_with_gradients_and_buffers(name):
    """The running statistics too, which torch's own operator changes without saying so."""
    assert_lowered(*captured(name, torch.float64), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["LSTM", "transformer"])
def test_layers_with_a_kernel_of_their_own_in_single_precision(name):
    assert_lowered(*captured(name, torch.float32), rtol=1e-4, atol=1e-4)


def test_running_statistics_are_the_moments_of_the_batch():
    def normalised(x: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, ...]:
        mean, var = mean.clone(), var.clone()
        return functional.batch_norm(x, mean, var, training=True, momentum=0.25), mean, var

    x = torch.arange(24.0).reshape(2, 3, 4)
    _, mean, var = lowered(normalised, x, torch.zeros(3), torch.ones(3))
    torch.testing.assert_close(mean, 0.25 * x.mean((0, 2)))
    torch.testing.assert_close(var, 0.75 + 0.25 * x.var((0, 2)))
