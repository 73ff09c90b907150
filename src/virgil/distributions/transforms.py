"""Invertible maps with a known Jacobian: torch's transforms, and those of Virgil.

``biject_to(constraint)`` is a bijection from real vectors onto the constraint's set; ``transform_to(constraint)`` is a
map onto it that need not be invertible but is cheaper or better conditioned where the two differ.
"""

from __future__ import annotations

from torch.distributions import biject_to, transform_to
from torch.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

from virgil.distributions.cholesky import (
    CorrCholeskyTransform,
    CorrMatrixTransform,
    SoftplusLowerCholeskyTransform,
    UnitLowerCholeskyTransform,
)
from virgil.distributions.ordered import OrderedTransform
from virgil.distributions.sphere import NormalizeTransform

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "ComposeTransform",
    "CorrCholeskyTransform",
    "CorrMatrixTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "NormalizeTransform",
    "OrderedTransform",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusLowerCholeskyTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "UnitLowerCholeskyTransform",
    "biject_to",
    "identity_transform",
    "transform_to",
]
