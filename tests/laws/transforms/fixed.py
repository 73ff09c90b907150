"""Maps without parameters to learn."""

import torch
from torch import Tensor

from tests.laws.transforms.row import Row, drawn
from virgil.distributions import constraints
from virgil.distributions import transforms as maps
from virgil.distributions.transforms import biject_to


def _lower(y: Tensor, below: int) -> Tensor:
    rows, columns = torch.tril_indices(y.shape[-1], y.shape[-1], below)
    return y[..., rows, columns]


def _symmetric(u: Tensor) -> Tensor:
    rows, columns = torch.tril_indices(3, 3)
    matrix = u.new_zeros(*u.shape[:-1], 3, 3)
    matrix[..., rows, columns] = u
    return matrix + matrix.tril(-1).mT


def _correlation(u: Tensor) -> Tensor:
    rows, columns = torch.tril_indices(3, 3, -1)
    matrix = u.new_zeros(*u.shape[:-1], 3, 3)
    matrix[..., rows, columns] = u
    return matrix + matrix.mT + torch.eye(3, dtype=u.dtype)


def _factor(u: Tensor) -> Tensor:
    rows, columns = torch.tril_indices(3, 3, -1)
    matrix = u.new_zeros(*u.shape[:-1], 3, 3)
    matrix[..., rows, columns] = u
    return matrix + (1 - matrix.square().sum(-1)).sqrt().diag_embed()


_DEFINITE = maps.FreePositiveDefiniteTransform()(drawn(2, 6) / 2)
_CORRELATION = biject_to(constraints.corr_matrix)(drawn(2, 3) / 2)
_FACTOR = biject_to(constraints.corr_cholesky)(drawn(2, 3) / 2)
_SIMPLEX = torch.tensor([[0.2, 0.5, 0.3], [1e-9, 0.4, 0.6 - 1e-9]], dtype=torch.double)
_TRIL = torch.tensor([[1.5, 0.0, 0.0], [0.3, -0.7, 0.0], [-2.0, 0.4, 0.2]], dtype=torch.double)
_LINE = torch.tensor([[-3.0, -0.4], [0.2, 2.5]], dtype=torch.double)

ROWS = {
    "CholeskyTransform": Row(
        maps.CholeskyTransform, _DEFINITE, _lower(_DEFINITE, 0), _symmetric, lambda y: _lower(y, 0)
    ),
    "CorrMatrixCholeskyTransform": Row(
        maps.CorrMatrixCholeskyTransform, _CORRELATION, _lower(_CORRELATION, -1), _correlation, lambda y: _lower(y, -1)
    ),
    "CorrCholeskyTransform": Row(maps.CorrCholeskyTransform, drawn(2, 3), drawn(2, 3), free=lambda y: _lower(y, -1)),
    "CorrMatrixTransform": Row(
        maps.CorrMatrixTransform,
        _FACTOR,
        _lower(_FACTOR, -1),
        _factor,
        lambda y: _lower(y, -1),
    ),
    "DiscreteCosineTransform": Row(maps.DiscreteCosineTransform, drawn(2, 5)),
    "DiscreteCosineTransform of smooth series": Row(
        lambda: maps.DiscreteCosineTransform(dim=-2, smooth=1.5), drawn(2, 4, 3)
    ),
    "ELUTransform": Row(maps.elu, _LINE),
    "FreeCholeskyTransform": Row(maps.FreeCholeskyTransform, drawn(2, 6), drawn(2, 6), free=lambda y: _lower(y, 0)),
    "FreeCholeskyTransform of ones": Row(
        lambda: maps.FreeCholeskyTransform(unit=True), drawn(2, 3), drawn(2, 3), free=lambda y: _lower(y, -1)
    ),
    "FreePositiveDefiniteTransform": Row(
        maps.FreePositiveDefiniteTransform, drawn(2, 6), drawn(2, 6), free=lambda y: _lower(y, 0)
    ),
    "HaarTransform": Row(maps.HaarTransform, drawn(2, 5)),
    "HaarTransform of flipped series": Row(lambda: maps.HaarTransform(dim=-2, flip=True), drawn(2, 4, 2)),
    "LeakyReLUTransform": Row(maps.leaky_relu, _LINE),
    "LowerCholeskyAffine": Row(
        lambda: maps.LowerCholeskyAffine(torch.tensor([1.0, -2.0, 0.5], dtype=torch.double), _TRIL), drawn(2, 3)
    ),
    "Normalize": Row(maps.Normalize, drawn(2, 3), onto=False),
    "Normalize by another norm": Row(lambda: maps.Normalize(p=1), drawn(2, 3), onto=False),
    "Permute": Row(lambda: maps.permute(4, torch.tensor([2, 0, 3, 1])), drawn(2, 4)),
    "Permute of rows": Row(lambda: maps.permute((3, 2), torch.tensor([2, 0, 1]), dim=-2), drawn(2, 3, 2)),
    "PositivePowerTransform": Row(lambda: maps.PositivePowerTransform(torch.tensor(1.7, dtype=torch.double)), _LINE),
    "SimplexToOrderedTransform": Row(
        lambda: maps.SimplexToOrderedTransform(torch.tensor([0.3, -1.0], dtype=torch.double)),
        _SIMPLEX,
        _SIMPLEX[:, :2],
        lambda u: torch.cat([u, 1 - u.sum(-1, keepdim=True)], -1),
    ),
    "OrderedTransform": Row(maps.OrderedTransform, drawn(2, 4)),
    "TanhTransform": Row(maps.tanh, _LINE),
}
