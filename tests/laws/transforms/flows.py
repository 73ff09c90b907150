"""Layers of flows that have a network, and splines."""

from tests.laws.transforms.row import CONTEXT_DIM, Row, conditioned, drawn, seeded
from virgil.distributions import transforms as maps
from virgil.networks import ConditionalAutoRegressiveNN, DenseNN

WIDE = drawn(2, 3) * 2  # beyond the bounds of splines, too

LEARNT = {
    "AffineAutoregressive": Row(seeded(lambda: maps.affine_autoregressive(3), 0.7), drawn(2, 3)),
    "AffineAutoregressive, stable": Row(seeded(lambda: maps.affine_autoregressive(3, stable=True)), drawn(2, 3)),
    "AffineCoupling": Row(seeded(lambda: maps.affine_coupling(3), 0.7), drawn(2, 3)),
    "AffineCoupling of rows": Row(seeded(lambda: maps.affine_coupling((3, 2), dim=-2), 0.4), drawn(2, 3, 2)),
    "BatchNorm": Row(lambda: seeded(lambda: maps.batchnorm(3))().eval(), drawn(2, 3), accuracy=1e-8),
    "BlockAutoregressive": Row(seeded(lambda: maps.block_autoregressive(3, hidden_factors=[4]), 0.5), drawn(2, 3)),
    "BlockAutoregressive, ELU": Row(
        seeded(lambda: maps.block_autoregressive(2, hidden_factors=[3, 2], activation="ELU")), drawn(2, 2)
    ),
    "BlockAutoregressive, LeakyReLU and residual": Row(
        seeded(lambda: maps.block_autoregressive(2, hidden_factors=[3], activation="LeakyReLU", residual="normal")),
        drawn(2, 2),
    ),
    "BlockAutoregressive, sigmoid and gate": Row(
        seeded(lambda: maps.block_autoregressive(2, hidden_factors=[3], activation="sigmoid", residual="gated")),
        drawn(2, 2),
    ),
    "NeuralAutoregressive": Row(seeded(lambda: maps.neural_autoregressive(3, width=4)), drawn(2, 3)),
    "NeuralAutoregressive, ELU": Row(
        seeded(lambda: maps.neural_autoregressive(2, width=4, activation="ELU")), drawn(2, 2)
    ),
    "NeuralAutoregressive, LeakyReLU": Row(
        seeded(lambda: maps.neural_autoregressive(2, width=4, activation="LeakyReLU")), drawn(2, 2)
    ),
    "NeuralAutoregressive, tanh": Row(
        seeded(lambda: maps.neural_autoregressive(2, width=4, activation="tanh")), drawn(2, 2)
    ),
    "Spline": Row(seeded(lambda: maps.spline(3)), WIDE),
    "Spline, quadratic": Row(seeded(lambda: maps.spline(3, count_bins=5, bound=2.0, order="quadratic")), WIDE),
    "SplineAutoregressive": Row(seeded(lambda: maps.spline_autoregressive(3, count_bins=4), 0.5), WIDE),
    "SplineAutoregressive, quadratic": Row(
        seeded(lambda: maps.spline_autoregressive(3, count_bins=4, order="quadratic"), 0.5), WIDE
    ),
    "SplineCoupling": Row(seeded(lambda: maps.spline_coupling(3, split_dim=2, count_bins=4), 0.5), WIDE),
    "SplineCoupling with an identity": Row(
        seeded(lambda: maps.SplineCoupling(3, 1, DenseNN(1, [8], [8, 8, 6]), 4, order="quadratic", identity=True)),
        WIDE,
    ),
}
# families of maps, each with the shape of an event
CONDITIONAL = {
    "ConditionalAffineAutoregressive": (lambda: maps.conditional_affine_autoregressive(3, CONTEXT_DIM), (3,)),
    "ConditionalAffineCoupling": (lambda: maps.conditional_affine_coupling(3, CONTEXT_DIM), (3,)),
    "ConditionalAffineCoupling of rows": (
        lambda: maps.conditional_affine_coupling((3, 2), CONTEXT_DIM, dim=-2),
        (3, 2),
    ),
    "ConditionalNeuralAutoregressive": (
        lambda: maps.conditional_neural_autoregressive(2, CONTEXT_DIM, width=4),
        (2,),
    ),
    "ConditionalSpline": (lambda: maps.conditional_spline(3, CONTEXT_DIM), (3,)),
    "ConditionalSpline, quadratic": (lambda: maps.conditional_spline(3, CONTEXT_DIM, order="quadratic"), (3,)),
    "ConditionalSplineAutoregressive": (lambda: maps.conditional_spline_autoregressive(3, CONTEXT_DIM), (3,)),
    "ConditionalSplineAutoregressive, quadratic": (
        lambda: maps.ConditionalSplineAutoregressive(
            3, ConditionalAutoRegressiveNN(3, CONTEXT_DIM, [9], [4, 4, 3]), count_bins=4, order="quadratic"
        ),
        (3,),
    ),
}
ROWS = {**LEARNT, **{name: Row(conditioned(make), drawn(2, *event)) for name, (make, event) in CONDITIONAL.items()}}
