"""Neural networks that give the parameters of a distribution or of a map. They know no models.

`virgil.nn` hands them on; normalising flows (:mod:`virgil.distributions.transforms`) are made of them.
"""

from virgil.networks.autoregressive import AutoRegressiveNN, ConditionalAutoRegressiveNN, create_mask
from virgil.networks.dense import ConditionalDenseNN, DenseNN
from virgil.networks.masked import MaskedLinear

__all__ = [
    "AutoRegressiveNN",
    "ConditionalAutoRegressiveNN",
    "ConditionalDenseNN",
    "DenseNN",
    "MaskedLinear",
    "create_mask",
]
