"""Maps with parameters to learn: the layers of normalising flows.

A file has one map: the class, its conditional form, and the function that makes it with a network of a suitable size.
`virgil.distributions.transforms` hands their names on, and loads a file when a program first asks for one of them.
"""

from __future__ import annotations

__all__ = ["FILES"]

# The public names of each file. They are no attributes here, as a file has the name of the function in it.
FILES: dict[str, tuple[str, ...]] = {
    "affine_autoregressive": (
        "AffineAutoregressive",
        "ConditionalAffineAutoregressive",
        "affine_autoregressive",
        "conditional_affine_autoregressive",
    ),
    "affine_coupling": (
        "AffineCoupling",
        "ConditionalAffineCoupling",
        "affine_coupling",
        "conditional_affine_coupling",
    ),
    "batch_norm": (
        "BatchNorm",
        "batchnorm",
    ),
    "block_autoregressive": (
        "BlockAutoregressive",
        "block_autoregressive",
    ),
    "generalized_channel_permute": (
        "ConditionalGeneralizedChannelPermute",
        "ConditionedGeneralizedChannelPermute",
        "GeneralizedChannelPermute",
        "conditional_generalized_channel_permute",
        "generalized_channel_permute",
    ),
    "householder": (
        "ConditionalHouseholder",
        "ConditionedHouseholder",
        "Householder",
        "conditional_householder",
        "householder",
    ),
    "matrix_exponential": (
        "ConditionalMatrixExponential",
        "ConditionedMatrixExponential",
        "MatrixExponential",
        "conditional_matrix_exponential",
        "matrix_exponential",
    ),
    "neural_autoregressive": (
        "ConditionalNeuralAutoregressive",
        "NeuralAutoregressive",
        "conditional_neural_autoregressive",
        "neural_autoregressive",
    ),
    "planar": (
        "ConditionalPlanar",
        "ConditionedPlanar",
        "Planar",
        "conditional_planar",
        "planar",
    ),
    "polynomial": (
        "Polynomial",
        "polynomial",
    ),
    "radial": (
        "ConditionalRadial",
        "ConditionedRadial",
        "Radial",
        "conditional_radial",
        "radial",
    ),
    "spline": (
        "ConditionalSpline",
        "ConditionedSpline",
        "Spline",
        "conditional_spline",
        "spline",
    ),
    "spline_autoregressive": (
        "ConditionalSplineAutoregressive",
        "SplineAutoregressive",
        "conditional_spline_autoregressive",
        "spline_autoregressive",
    ),
    "spline_coupling": (
        "SplineCoupling",
        "spline_coupling",
    ),
    "sylvester": (
        "Sylvester",
        "sylvester",
    ),
}
