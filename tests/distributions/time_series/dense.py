"""Linear Gaussian chains as one normal vector, from the definition."""

from __future__ import annotations

import torch
from torch import Tensor

import virgil.distributions as dist


def normal(*batch: int, size: int) -> dist.MultivariateNormal:
    """Some normal vectors."""
    lower = 0.3 * torch.randn(*batch, size, size, dtype=torch.double).tril(-1)
    factor = lower + torch.diag_embed(torch.rand(*batch, size, dtype=torch.double) + 0.5)
    return dist.MultivariateNormal(torch.randn(*batch, size, dtype=torch.double), scale_tril=factor)


def parameters(steps: int, hidden: int, size: int, steady: bool) -> tuple:
    """Those of a chain, the same in all steps or not."""
    time = () if steady else (steps,)
    moves = 0.5 * torch.randn(*time, hidden, hidden, dtype=torch.double)
    seen = torch.randn(*time, hidden, size, dtype=torch.double)
    return normal(size=hidden), moves, normal(*time, size=hidden), seen, normal(*time, size=size)


def _of_step(each, step: int):
    if isinstance(each, Tensor):
        return each[step] if each.dim() > 2 else each
    loc, covariance = each.loc, each.covariance_matrix
    return (loc[step], covariance[step]) if each.batch_shape else (loc, covariance)


class Joint:
    """States and observations of all steps: means and covariances."""

    def __init__(self, steps: int, initial, moves, moved, seen, observed) -> None:
        mean, spread = initial.loc, initial.covariance_matrix
        means, blocks, noise_mean, noise = [], {}, [], []
        for step in range(steps):
            matrix, (loc, covariance) = _of_step(moves, step), _of_step(moved, step)
            for before in range(step):
                blocks[before, step] = blocks[before, step - 1] @ matrix
                blocks[step, before] = blocks[before, step].T
            mean, spread = mean @ matrix + loc, matrix.T @ spread @ matrix + covariance
            blocks[step, step] = spread
            means.append(mean)
            loc, covariance = _of_step(observed, step)
            noise_mean.append(loc)
            noise.append(covariance)
        observation = torch.block_diag(*(_of_step(seen, step) for step in range(steps)))
        self.state_mean = torch.cat(means)
        rows = [torch.cat([blocks[row, column] for column in range(steps)], -1) for row in range(steps)]
        self.state_spread = torch.cat(rows)
        self.mean = self.state_mean @ observation + torch.cat(noise_mean)
        self.cross = self.state_spread @ observation
        self.spread = observation.T @ self.cross + torch.block_diag(*noise)

    def density(self, value: Tensor, seen: Tensor | None = None) -> Tensor:
        """Log-density of a series, or of those of its entries that are seen."""
        seen = torch.ones_like(value, dtype=torch.bool).flatten() if seen is None else seen.flatten()
        fn = dist.MultivariateNormal(self.mean[seen], self.spread[seen][:, seen])
        return fn.log_prob(value.flatten()[seen])

    def posterior(self, value: Tensor, seen: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and covariance of all states, given the entries that are seen."""
        seen = torch.ones_like(value, dtype=torch.bool).flatten() if seen is None else seen.flatten()
        gain = torch.linalg.solve(self.spread[seen][:, seen], self.cross[:, seen].T).T
        mean = self.state_mean + gain @ (value.flatten() - self.mean)[seen]
        return mean, self.state_spread - gain @ self.cross[:, seen].T
