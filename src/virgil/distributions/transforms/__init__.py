"""Maps with a known Jacobian: torch's transforms, and those that torch lacks, one a file.

``biject_to(constraint)`` and ``transform_to(constraint)`` give the map from real vectors onto a constraint's set
(:mod:`~virgil.distributions.transforms.registry`). Maps that are registered there are loaded at once. All others, maps
of contexts (:mod:`~virgil.distributions.transforms.conditional`) and maps with parameters to learn
(:mod:`~virgil.distributions.transforms.flows`) among them, are loaded when a program first asks for them.
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
from virgil.distributions.transforms.registry import biject_to, transform_to

if TYPE_CHECKING:
    from virgil.distributions.transforms.cholesky import CholeskyTransform
    from virgil.distributions.transforms.coalescent_times import CoalescentTimesTransform
    from virgil.distributions.transforms.compose_transform_module import ComposeTransformModule
    from virgil.distributions.transforms.conditional import (
        ConditionalComposeTransformModule,
        ConditionalTransform,
        ConditionalTransformModule,
        ConstantConditionalTransform,
    )
    from virgil.distributions.transforms.corr_cholesky import CorrCholeskyTransform
    from virgil.distributions.transforms.corr_matrix import CorrMatrixTransform
    from virgil.distributions.transforms.corr_matrix_cholesky import CorrMatrixCholeskyTransform
    from virgil.distributions.transforms.discrete_cosine import DiscreteCosineTransform
    from virgil.distributions.transforms.exponential_linear import ELUTransform, elu
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
    from virgil.distributions.transforms.flows.batch_norm import BatchNorm, batchnorm
    from virgil.distributions.transforms.flows.block_autoregressive import BlockAutoregressive, block_autoregressive
    from virgil.distributions.transforms.flows.generalized_channel_permute import (
        ConditionalGeneralizedChannelPermute,
        ConditionedGeneralizedChannelPermute,
        GeneralizedChannelPermute,
        conditional_generalized_channel_permute,
        generalized_channel_permute,
    )
    from virgil.distributions.transforms.flows.householder import (
        ConditionalHouseholder,
        ConditionedHouseholder,
        Householder,
        conditional_householder,
        householder,
    )
    from virgil.distributions.transforms.flows.matrix_exponential import (
        ConditionalMatrixExponential,
        ConditionedMatrixExponential,
        MatrixExponential,
        conditional_matrix_exponential,
        matrix_exponential,
    )
    from virgil.distributions.transforms.flows.neural_autoregressive import (
        ConditionalNeuralAutoregressive,
        NeuralAutoregressive,
        conditional_neural_autoregressive,
        neural_autoregressive,
    )
    from virgil.distributions.transforms.flows.planar import (
        ConditionalPlanar,
        ConditionedPlanar,
        Planar,
        conditional_planar,
        planar,
    )
    from virgil.distributions.transforms.flows.polynomial import Polynomial, polynomial
    from virgil.distributions.transforms.flows.radial import (
        ConditionalRadial,
        ConditionedRadial,
        Radial,
        conditional_radial,
        radial,
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
    from virgil.distributions.transforms.flows.spline_coupling import SplineCoupling, spline_coupling
    from virgil.distributions.transforms.flows.sylvester import Sylvester, sylvester
    from virgil.distributions.transforms.free_cholesky import FreeCholeskyTransform
    from virgil.distributions.transforms.free_positive_definite import FreePositiveDefiniteTransform
    from virgil.distributions.transforms.haar import HaarTransform
    from virgil.distributions.transforms.hyperbolic_tangent import tanh
    from virgil.distributions.transforms.leaky_rectifier import LeakyReLUTransform, leaky_relu
    from virgil.distributions.transforms.lower_cholesky_affine import LowerCholeskyAffine
    from virgil.distributions.transforms.normalize import Normalize
    from virgil.distributions.transforms.ordered import OrderedTransform
    from virgil.distributions.transforms.permutation import Permute, permute
    from virgil.distributions.transforms.positive_power import PositivePowerTransform
    from virgil.distributions.transforms.repetition import iterated
    from virgil.distributions.transforms.simplex_to_ordered import SimplexToOrderedTransform
    from virgil.distributions.transforms.softplus_lower_cholesky import SoftplusLowerCholeskyTransform
    from virgil.distributions.transforms.transform_module import TransformModule
    from virgil.distributions.transforms.unit_lower_cholesky import UnitLowerCholeskyTransform
    from virgil.distributions.transforms.zero_sum import ZeroSumTransform
else:
    _FILES = {
        "coalescent_times": ("CoalescentTimesTransform",),
        "compose_transform_module": ("ComposeTransformModule",),
        "corr_cholesky": ("CorrCholeskyTransform",),
        "corr_matrix": ("CorrMatrixTransform",),
        "free_cholesky": ("FreeCholeskyTransform",),
        "free_positive_definite": ("FreePositiveDefiniteTransform",),
        "normalize": ("Normalize",),
        "ordered": ("OrderedTransform",),
        "softplus_lower_cholesky": ("SoftplusLowerCholeskyTransform",),
        "transform_module": ("TransformModule",),
        "unit_lower_cholesky": ("UnitLowerCholeskyTransform",),
        "zero_sum": ("ZeroSumTransform",),
        "cholesky": ("CholeskyTransform",),
        "conditional": (
            "ConditionalComposeTransformModule",
            "ConditionalTransform",
            "ConditionalTransformModule",
            "ConstantConditionalTransform",
        ),
        "corr_matrix_cholesky": ("CorrMatrixCholeskyTransform",),
        "discrete_cosine": ("DiscreteCosineTransform",),
        "exponential_linear": ("ELUTransform", "elu"),
        "haar": ("HaarTransform",),
        "hyperbolic_tangent": ("tanh",),
        "leaky_rectifier": ("LeakyReLUTransform", "leaky_relu"),
        "lower_cholesky_affine": ("LowerCholeskyAffine",),
        "permutation": ("Permute", "permute"),
        "positive_power": ("PositivePowerTransform",),
        "repetition": ("iterated",),
        "simplex_to_ordered": ("SimplexToOrderedTransform",),
    }
    __getattr__, __dir__ = load_from(
        __name__,
        {
            **{name: f"{__name__}.{file}" for file, names in _FILES.items() for name in names},
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
    "CholeskyTransform",
    "CoalescentTimesTransform",
    "ComposeTransform",
    "ComposeTransformModule",
    "ConditionalAffineAutoregressive",
    "ConditionalAffineCoupling",
    "ConditionalComposeTransformModule",
    "ConditionalGeneralizedChannelPermute",
    "ConditionalHouseholder",
    "ConditionalMatrixExponential",
    "ConditionalNeuralAutoregressive",
    "ConditionalPlanar",
    "ConditionalRadial",
    "ConditionalSpline",
    "ConditionalSplineAutoregressive",
    "ConditionalTransform",
    "ConditionalTransformModule",
    "ConditionedGeneralizedChannelPermute",
    "ConditionedHouseholder",
    "ConditionedMatrixExponential",
    "ConditionedPlanar",
    "ConditionedRadial",
    "ConditionedSpline",
    "ConstantConditionalTransform",
    "CorrCholeskyTransform",
    "CorrMatrixCholeskyTransform",
    "CorrMatrixTransform",
    "CumulativeDistributionTransform",
    "DiscreteCosineTransform",
    "ELUTransform",
    "ExpTransform",
    "FreeCholeskyTransform",
    "FreePositiveDefiniteTransform",
    "GeneralizedChannelPermute",
    "HaarTransform",
    "Householder",
    "IndependentTransform",
    "LeakyReLUTransform",
    "LowerCholeskyAffine",
    "LowerCholeskyTransform",
    "MatrixExponential",
    "NeuralAutoregressive",
    "Normalize",
    "OrderedTransform",
    "Permute",
    "Planar",
    "Polynomial",
    "PositiveDefiniteTransform",
    "PositivePowerTransform",
    "PowerTransform",
    "Radial",
    "ReshapeTransform",
    "SigmoidTransform",
    "SimplexToOrderedTransform",
    "SoftmaxTransform",
    "SoftplusLowerCholeskyTransform",
    "SoftplusTransform",
    "Spline",
    "SplineAutoregressive",
    "SplineCoupling",
    "StackTransform",
    "StickBreakingTransform",
    "Sylvester",
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
    "conditional_generalized_channel_permute",
    "conditional_householder",
    "conditional_matrix_exponential",
    "conditional_neural_autoregressive",
    "conditional_planar",
    "conditional_radial",
    "conditional_spline",
    "conditional_spline_autoregressive",
    "elu",
    "generalized_channel_permute",
    "householder",
    "identity_transform",
    "iterated",
    "leaky_relu",
    "matrix_exponential",
    "neural_autoregressive",
    "permute",
    "planar",
    "polynomial",
    "radial",
    "spline",
    "spline_autoregressive",
    "spline_coupling",
    "sylvester",
    "tanh",
    "transform_to",
]
