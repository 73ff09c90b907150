"""Maps with parameters to learn that are formulas: planes, spheres, reflections, matrices, polynomials."""

from tests.laws.transforms.row import CONTEXT_DIM, Row, conditioned, drawn, seeded
from virgil.distributions import transforms as maps
from virgil.distributions.transforms import iterated

LEARNT = {
    "GeneralizedChannelPermute": Row(seeded(maps.generalized_channel_permute), drawn(2, 3, 2, 2)),
    "Householder": Row(seeded(lambda: maps.householder(4)), drawn(2, 4)),
    "MatrixExponential": Row(seeded(lambda: maps.matrix_exponential(3)), drawn(2, 3)),
    "MatrixExponential of a bounded matrix": Row(
        seeded(lambda: maps.matrix_exponential(3, normalization="spectral", bound=0.7)), drawn(2, 3)
    ),
    "Planar": Row(seeded(lambda: maps.planar(3)), drawn(2, 3)),
    "Planar maps one after the other": Row(seeded(lambda: iterated(3, maps.planar, 2)), drawn(2, 2)),
    "Polynomial": Row(seeded(lambda: maps.polynomial(3), scale=0.4), drawn(2, 3)),
    "Radial": Row(seeded(lambda: maps.radial(3), scale=2.0), drawn(2, 3)),
    "Sylvester": Row(seeded(lambda: maps.sylvester(4)), drawn(2, 4)),
}
# families of maps, each with the shape of an event
CONDITIONAL = {
    "ConditionalGeneralizedChannelPermute": (
        lambda: maps.conditional_generalized_channel_permute(CONTEXT_DIM, channels=3),
        (3, 2, 2),
    ),
    "ConditionalHouseholder": (lambda: maps.conditional_householder(3, CONTEXT_DIM, count_transforms=2), (3,)),
    "ConditionalHouseholder, one reflection": (lambda: maps.conditional_householder(3, CONTEXT_DIM), (3,)),
    "ConditionalMatrixExponential": (
        lambda: maps.conditional_matrix_exponential(3, CONTEXT_DIM, normalization="weight", bound=0.5),
        (3,),
    ),
    "ConditionalPlanar": (lambda: maps.conditional_planar(3, CONTEXT_DIM), (3,)),
    "ConditionalRadial": (lambda: maps.conditional_radial(3, CONTEXT_DIM), (3,)),
}
ROWS = {**LEARNT, **{name: Row(conditioned(make), drawn(2, *event)) for name, (make, event) in CONDITIONAL.items()}}
