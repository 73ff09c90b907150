"""The lowerings of all operators; importing this package registers them."""

from virgil.engine.xla.lowerings import (
    bessel,
    convolution,
    distance,
    linear_algebra,
    normalisation,
    polynomials,
    pooling,
    resampling,
    special,
    strided,
)

__all__ = [
    "bessel",
    "convolution",
    "distance",
    "linear_algebra",
    "normalisation",
    "polynomials",
    "pooling",
    "resampling",
    "special",
    "strided",
]
