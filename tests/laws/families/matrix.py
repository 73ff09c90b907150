"""Families of matrices."""

import virgil.distributions as dist
from tests.laws.families.row import TRILS, Row, numbers, positive_definite

MULTIVARIATE = {
    "LKJ": Row(lambda concentration: dist.LKJ(3, concentration), {"concentration": numbers(1.5, 3.0)}),
    "LKJCholesky": Row(
        lambda concentration: dist.LKJCholesky(3, concentration), {"concentration": numbers(1.5, 3.0)}, moments=False
    ),
    "Wishart": Row(
        lambda df, scale_tril: dist.Wishart(df, scale_tril=scale_tril),
        {"df": numbers(4.5, 6.0), "scale_tril": TRILS},
        chart=positive_definite,
    ),
}
