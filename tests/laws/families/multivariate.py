"""Families of vectors."""

import torch

import virgil.distributions as dist
from tests.laws.families.row import RATES, SCALES, TRILS, VECTORS, WEIGHTS, Row, numbers

CONTROL = numbers([[[0.5, -0.3], [0.2, 0.1]], [[0.4, 0.6], [-0.1, 0.3]]], [[[0.2, 0.3]] * 2] * 2)

LOGITS = numbers([0.3, -0.5, 1.0], [-1.0, 0.8, 0.1])
MEANS = numbers([[0.1, -0.4], [1.5, 0.8], [-1.0, 0.6]], [[2.0, 1.0], [0.0, -1.0], [0.5, 0.5]])

MULTIVARIATE = {
    # the gradient of control_var is not that of a mean, by design
    "AVFMultivariateNormal": Row(
        lambda loc, scale_tril: dist.AVFMultivariateNormal(loc, scale_tril, CONTROL.to(loc)),
        {**VECTORS, "scale_tril": TRILS},
    ),
    "CAR": Row(
        lambda loc, correlation, conditional_precision: dist.CAR(
            loc, correlation, conditional_precision, numbers([0.0, 1.0], [1.0, 0.0])
        ),
        {**VECTORS, "correlation": numbers(0.6, -0.3), "conditional_precision": RATES},
    ),
    "Dirichlet": Row(dist.Dirichlet, {"concentration": numbers([1.6, 2.0, 3.1], [4.0, 1.5, 2.2])}),
    "GaussianScaleMixture": Row(
        dist.GaussianScaleMixture,
        {
            "coord_scale": numbers([0.5, 1.5], [1.0, 0.8]),
            "component_logits": LOGITS,
            "component_scale": numbers([0.5, 1.0, 1.5], [0.8, 2.0, 1.0]),
        },
    ),
    "GroupedNormalNormal": Row(
        lambda **params: dist.GroupedNormalNormal(**params, group_idx=torch.tensor([1, 1])),
        {
            "prior_loc": numbers([0.1, -0.4], [0.5, 0.2]),
            "prior_scale": numbers([0.5, 1.5], [1.0, 0.8]),
            "obs_scale": numbers([1.0, 0.4], [0.3, 1.2]),
        },
    ),
    "LogisticNormal": Row(dist.LogisticNormal, {**VECTORS, "scale": numbers([0.5, 1.5], [1.0, 0.8])}, moments=False),
    "LowRankMultivariateNormal": Row(
        dist.LowRankMultivariateNormal,
        {
            **VECTORS,
            "cov_factor": numbers([[0.5], [1.0]], [[1.0], [-0.4]]),
            "cov_diag": numbers([0.4, 0.7], [1.0, 0.3]),
        },
    ),
    "MixtureOfDiagNormals": Row(
        dist.MixtureOfDiagNormals,
        {"locs": MEANS, "coord_scale": MEANS.abs() * 0.3 + 0.5, "component_logits": LOGITS},
    ),
    "MixtureOfDiagNormalsSharedCovariance": Row(
        dist.MixtureOfDiagNormalsSharedCovariance,
        {"locs": MEANS, "coord_scale": numbers([0.5, 1.5], [1.0, 0.8]), "component_logits": LOGITS},
    ),
    "MultivariateNormal": Row(
        lambda loc, scale_tril: dist.MultivariateNormal(loc, scale_tril=scale_tril), {**VECTORS, "scale_tril": TRILS}
    ),
    "MultivariateStudentT": Row(dist.MultivariateStudentT, {"df": numbers(11.0, 16.0), **VECTORS, "scale_tril": TRILS}),
    "NanMaskedMultivariateNormal": Row(
        lambda loc, scale_tril: dist.NanMaskedMultivariateNormal(loc, scale_tril=scale_tril),
        {**VECTORS, "scale_tril": TRILS},
    ),
    "OMTMultivariateNormal": Row(dist.OMTMultivariateNormal, {**VECTORS, "scale_tril": TRILS}),
    "RelaxedOneHotCategorical": Row(
        lambda probs: dist.RelaxedOneHotCategorical(numbers(0.8).squeeze(), probs), {"probs": WEIGHTS}, moments=False
    ),
    "RelaxedOneHotCategoricalStraightThrough": Row(
        lambda probs: dist.RelaxedOneHotCategoricalStraightThrough(numbers(0.8).squeeze(), probs),
        {"probs": WEIGHTS},
        moments=False,
        pathwise=False,
    ),
    "ZeroSumNormal": Row(lambda scale: dist.ZeroSumNormal(scale, (2, 3)), {"scale": SCALES}),
}
