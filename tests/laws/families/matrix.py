"""Families of matrices."""

import virgil.distributions as dist
from tests.laws.families.row import TRILS, Row, numbers, positive_definite

MULTIVARIATE = {
    "LKJ": Row(lambda concentration: dist.LKJ(3, concentration), {"concentration": numbers(1.5, 3.0)}),
    "LKJCholesky": Row(
        lambda concentration: dist.LKJCholesky(3, concentration), {"concentration": numbers(1.5, 3.0)}, moments=False
    ),
    "MatrixNormal": Row(
        dist.MatrixNormal,
        {
            "loc": numbers([[0.1], [-0.4]], [[0.5], [0.2]]),
            "scale_tril_row": TRILS,
            "scale_tril_column": numbers([[0.6]], [[1.3]]),
        },
    ),
    "Wishart": Row(
        lambda df, scale_tril: dist.Wishart(df, scale_tril=scale_tril),
        {"df": numbers(4.5, 6.0), "scale_tril": TRILS},
        chart=positive_definite,
    ),
}
