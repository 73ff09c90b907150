"""Operations of arrowhead matrices against those of the dense ones."""

import pytest
import torch

from virgil.ops.arrowhead import SymmArrowhead, TriuArrowhead, sqrt, triu_gram, triu_inverse, triu_matvecmul


def dense(x):
    matrix = torch.nn.functional.pad(x.bottom_diag, (len(x.top), 0)).diag()
    matrix[: len(x.top)] = x.top
    if isinstance(x, SymmArrowhead):
        matrix[:, : len(x.top)] = x.top.mT
    return matrix


def symmetric(head, size):
    torch.manual_seed(head)
    root = torch.randn(size, size, dtype=torch.float64)
    matrix = root @ root.mT + size * torch.eye(size, dtype=torch.float64)
    return SymmArrowhead(matrix[:head], matrix.diag()[head:])


@pytest.mark.parametrize(("head", "size"), [(0, 3), (1, 1), (2, 5), (4, 4)])
def test_the_root_and_what_is_done_with_it(head, size):
    matrix = symmetric(head, size)
    root = sqrt(matrix)
    whole = dense(root)
    assert isinstance(root, TriuArrowhead)
    torch.testing.assert_close(whole, whole.triu())
    torch.testing.assert_close(whole @ whole.mT, dense(matrix))
    torch.testing.assert_close(dense(triu_inverse(root)), whole.inverse())
    torch.testing.assert_close(triu_gram(root), whole.mT @ whole)
    vector = torch.randn(size, dtype=torch.float64)
    torch.testing.assert_close(triu_matvecmul(root, vector), whole @ vector)
    torch.testing.assert_close(triu_matvecmul(root, vector, transpose=True), whole.mT @ vector)
