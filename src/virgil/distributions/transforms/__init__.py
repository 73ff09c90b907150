"""Maps with a known Jacobian: torch's transforms, and those that torch lacks, one a file.

``biject_to(constraint)`` and ``transform_to(constraint)`` give the map from real vectors onto a constraint's set
(:mod:`~virgil.distributions.transforms.registry`). Maps of contexts
(:mod:`~virgil.distributions.transforms.conditional`) and maps with parameters to learn
(:mod:`~virgil.distributions.transforms.flows`) are loaded when a program first asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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

from virgil.distributions.core.lazy_names import load_from
from virgil.distributions.transforms import flows
from virgil.distributions.transforms.compose_transform_module import ComposeTransformModule
from virgil.distributions.transforms.corr_cholesky import CorrCholeskyTransform
from virgil.distributions.transforms.corr_matrix import CorrMatrixTransform
from virgil.distributions.transforms.free_cholesky import FreeCholeskyTransform
from virgil.distributions.transforms.free_positive_definite import FreePositiveDefiniteTransform
from virgil.distributions.transforms.normalize import NormalizeTransform
from virgil.distributions.transforms.ordered import OrderedTransform
from virgil.distributions.transforms.registry import biject_to, transform_to
from virgil.distributions.transforms.softplus_lower_cholesky import SoftplusLowerCholeskyTransform
from virgil.distributions.transforms.transform_module import TransformModule
from virgil.distributions.transforms.unit_lower_cholesky import UnitLowerCholeskyTransform
from virgil.distributions.transforms.zero_sum import ZeroSumTransform

if TYPE_CHECKING:
    from virgil.distributions.transforms.conditional import (
        ConditionalComposeTransformModule,
        ConditionalTransform,
        ConditionalTransformModule,
        ConstantConditionalTransform,
    )
    from virgil.distributions.transforms.flows.affine_autoregressive import (
        AffineAutoregressive,
        ConditionalAffineAutoregressive,
        affine_autoregressive,
        conditional_affine_autoregressive,
    )
    from virgil.distributions.transforms.flows.affine_coupling import (
        AffineCoupling,
        ConditionalAffineCoupling,
        affine_coupling,
        conditional_affine_coupling,
    )
    from virgil.distributions.transforms.flows.batch_norm import (
        BatchNorm,
        batchnorm,
    )
    from virgil.distributions.transforms.flows.block_autoregressive import (
        BlockAutoregressive,
        block_autoregressive,
    )
    from virgil.distributions.transforms.flows.neural_autoregressive import (
        ConditionalNeuralAutoregressive,
        NeuralAutoregressive,
        conditional_neural_autoregressive,
        neural_autoregressive,
    )
    from virgil.distributions.transforms.flows.spline import (
        ConditionalSpline,
        ConditionedSpline,
        Spline,
        conditional_spline,
        spline,
    )
    from virgil.distributions.transforms.flows.spline_autoregressive import (
        ConditionalSplineAutoregressive,
        SplineAutoregressive,
        conditional_spline_autoregressive,
        spline_autoregressive,
    )
    from virgil.distributions.transforms.flows.spline_coupling import (
        SplineCoupling,
        spline_coupling,
    )
else:
    _CONDITIONAL = (
        "ConditionalComposeTransformModule",
        "ConditionalTransform",
        "ConditionalTransformModule",
        "ConstantConditionalTransform",
    )
    __getattr__, __dir__ = load_from(
        __name__,
        {
            **dict.fromkeys(_CONDITIONAL, f"{__name__}.conditional"),
            **{name: f"{flows.__name__}.{file}" for file, names in flows.FILES.items() for name in names},
        },
    )

__all__ = [
    "AbsTransform",
    "AffineAutoregressive",
    "AffineCoupling",
    "AffineTransform",
    "BatchNorm",
    "BlockAutoregressive",
    "CatTransform",
    "ComposeTransform",
    "ComposeTransformModule",
    "ConditionalAffineAutoregressive",
    "ConditionalAffineCoupling",
    "ConditionalComposeTransformModule",
    "ConditionalNeuralAutoregressive",
    "ConditionalSpline",
    "ConditionalSplineAutoregressive",
    "ConditionalTransform",
    "ConditionalTransformModule",
    "ConditionedSpline",
    "ConstantConditionalTransform",
    "CorrCholeskyTransform",
    "CorrMatrixTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "FreeCholeskyTransform",
    "FreePositiveDefiniteTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "NeuralAutoregressive",
    "NormalizeTransform",
    "OrderedTransform",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusLowerCholeskyTransform",
    "SoftplusTransform",
    "Spline",
    "SplineAutoregressive",
    "SplineCoupling",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "TransformModule",
    "UnitLowerCholeskyTransform",
    "ZeroSumTransform",
    "affine_autoregressive",
    "affine_coupling",
    "batchnorm",
    "biject_to",
    "block_autoregressive",
    "conditional_affine_autoregressive",
    "conditional_affine_coupling",
    "conditional_neural_autoregressive",
    "conditional_spline",
    "conditional_spline_autoregressive",
    "identity_transform",
    "neural_autoregressive",
    "spline",
    "spline_autoregressive",
    "spline_coupling",
    "transform_to",
]
