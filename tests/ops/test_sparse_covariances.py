"""Variances by the entries that meet, against the covariance of the whole vector."""

import torch

from virgil.ops.sparse_covariances import Regression, marginal_variances


def test_the_variances_of_a_tree_of_blocks():
    """A root of two numbers, three blocks of two that depend on it, and one number below each, on block and root."""
    size, parents = 2 + 6 + 3, torch.tensor([[2, 3], [4, 5], [6, 7]])
    root = torch.tensor([[0, 1]])
    leaves = torch.tensor([[8], [9], [10]])
    shared = root.expand(3, 2)
    regressions = [
        Regression(rows, inputs, torch.randn(len(rows), rows.shape[1], inputs.shape[1]), factor.tril())
        for rows, inputs, factor in (
            (root, root[:, :0], torch.randn(1, 2, 2)),
            (parents, shared, torch.randn(3, 2, 2)),
            (leaves, torch.cat([parents, shared], 1), torch.randn(3, 1, 1)),
        )
    ]
    weight, noise = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.float64)
    for rows, inputs, weights, factors in regressions:
        for r, i, w, f in zip(rows, inputs, weights, factors, strict=True):
            weight[r[:, None], i] = w.double()
            noise[r[:, None], r] = f.double()
    response = torch.linalg.solve(torch.eye(size, dtype=torch.float64) - weight, noise)
    variances = marginal_variances(size, regressions)
    torch.testing.assert_close(variances, (response @ response.mT).diagonal())
