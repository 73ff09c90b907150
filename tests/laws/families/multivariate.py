"""Families of vectors."""

import virgil.distributions as dist
from tests.laws.families.row import SCALES, TRILS, VECTORS, WEIGHTS, Row, numbers

MULTIVARIATE = {
    "Dirichlet": Row(dist.Dirichlet, {"concentration": numbers([1.6, 2.0, 3.1], [4.0, 1.5, 2.2])}),
    "LogisticNormal": Row(dist.LogisticNormal, {**VECTORS, "scale": numbers([0.5, 1.5], [1.0, 0.8])}, moments=False),
    "LowRankMultivariateNormal": Row(
        dist.LowRankMultivariateNormal,
        {
            **VECTORS,
            "cov_factor": numbers([[0.5], [1.0]], [[1.0], [-0.4]]),
            "cov_diag": numbers([0.4, 0.7], [1.0, 0.3]),
        },
    ),
    "MultivariateNormal": Row(
        lambda loc, scale_tril: dist.MultivariateNormal(loc, scale_tril=scale_tril), {**VECTORS, "scale_tril": TRILS}
    ),
    "MultivariateStudentT": Row(
        dist.MultivariateStudentT, {"df": numbers(11.0, 16.0), **VECTORS, "scale_tril": TRILS}
    ),
    "RelaxedOneHotCategorical": Row(
        lambda probs: dist.RelaxedOneHotCategorical(numbers(0.8).squeeze(), probs), {"probs": WEIGHTS}, moments=False
    ),
    "ZeroSumNormal": Row(lambda scale: dist.ZeroSumNormal(scale, (2, 3)), {"scale": SCALES}),
}
