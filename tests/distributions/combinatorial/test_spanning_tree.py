"""SpanningTree against sums over all trees.

Tests of goodness of fit fail by chance with probability 1e-5. Seeds are fixed.
"""

import mpmath
import pytest
import torch
from scipy import stats
from scipy.sparse.csgraph import minimum_spanning_tree

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError, SupportError
from virgil.ops.spanning_trees import complete_graph, edge_matrix, enumerate_trees


def logits_of(vertices, *batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn((*batch, vertices * (vertices - 1) // 2), generator=generator, dtype=torch.double)


def weights(edge_logits, trees):
    """The sum of each tree's logits. Shape: ``(trees,)``."""
    return torch.stack([sum(edge_logits[i + j * (j - 1) // 2] for i, j in tree) for tree in trees.tolist()])


@pytest.mark.parametrize("vertices", [2, 3, 4, 5])
def test_the_partition_function_is_the_sum_over_all_trees(vertices):
    logits = logits_of(vertices)
    fn = dist.SpanningTree(logits)
    trees = fn.enumerate_support()
    assert len(trees) == len({str(tree) for tree in trees.tolist()}) == vertices ** (vertices - 2)  # Cayley
    fn.validate_edges(trees)
    sums = weights(logits, trees)
    torch.testing.assert_close(fn.log_partition_function, sums.logsumexp(0), rtol=1e-13, atol=1e-13)
    probs = fn.log_prob(trees).exp()
    torch.testing.assert_close(fn.entropy(), torch.special.entr(probs).sum())
    assert torch.equal(fn.mode, trees[probs.argmax()])
    mean = torch.zeros(vertices, vertices, dtype=torch.double)
    for prob, tree in zip(probs, trees, strict=True):
        for i, j in tree:
            mean[i, j] += prob
            mean[j, i] += prob
    torch.testing.assert_close(fn.edge_mean, mean)


def test_weights_of_any_range_keep_their_digits():
    """Two clusters that a far weaker edge joins, against the determinant with 400 digits."""
    logits = torch.tensor([0.3, -700.0, -705.0, -702.5, -650.0, 1.7], dtype=torch.double, requires_grad=True)
    fn = dist.SpanningTree(logits)
    with mpmath.workdps(400):
        laplacian = mpmath.zeros(4)
        for (i, j), logit in zip(complete_graph(4).T.tolist(), logits.tolist(), strict=True):
            weight = mpmath.exp(mpmath.mpf(logit))
            for a, b in ((i, j), (j, i)):
                laplacian[a, a] += weight
                laplacian[a, b] -= weight
        expected = float(mpmath.log(mpmath.det(laplacian[1:, 1:])))
    assert fn.log_partition_function.item() == pytest.approx(expected, rel=1e-13)
    (gradient,) = torch.autograd.grad(fn.log_partition_function, logits)
    torch.testing.assert_close(gradient.sum(), torch.tensor(3.0, dtype=torch.double))  # a tree has three edges


def test_a_draw_joins_what_only_weak_edges_join():
    logits = torch.tensor([0.3, -700.0, -705.0, -702.5, -650.0, 1.7], dtype=torch.double)
    drawn = dist.SpanningTree(logits).sample((100,))
    assert (drawn == torch.tensor([[0, 1], [1, 3], [2, 3]])).all()


@pytest.mark.parametrize("vertices", [4, 5])
def test_draws_have_the_probabilities_of_the_family(vertices):
    torch.manual_seed(5)
    fn = dist.SpanningTree(logits_of(vertices) / 4)
    trees = fn.enumerate_support()
    drawn = fn.sample((20_000,))
    counts = (drawn.unsqueeze(1) == trees).flatten(-2).all(-1).sum(0).double()
    expected = fn.log_prob(trees).exp() * len(drawn)
    assert counts.sum() == len(drawn)
    assert expected.min() > 5
    assert stats.chisquare(counts.numpy(), expected.numpy()).pvalue > 1e-5


def test_the_mode_of_many_vertices_is_the_minimum_spanning_tree_of_scipy():
    logits = logits_of(30, 2)
    fn = dist.SpanningTree(logits)
    fn.validate_edges(fn.mode)
    for each, tree in zip(logits, fn.mode, strict=True):
        cost = edge_matrix(each.max() + 1 - each, 0.0).numpy()
        rows, columns = minimum_spanning_tree(cost).nonzero()
        assert {frozenset(edge) for edge in tree.tolist()} == {*map(frozenset, zip(rows, columns, strict=True))}


def test_edges_left_out_are_never_taken():
    logits = torch.zeros(6, dtype=torch.double)
    logits[torch.tensor([1, 3, 4])] = -torch.inf  # the path 0 - 1 - 2 - 3 is left
    logits.requires_grad_()
    fn = dist.SpanningTree(logits)
    torch.testing.assert_close(fn.log_partition_function, torch.zeros((), dtype=torch.double), rtol=0, atol=1e-12)
    assert (fn.sample((20,)) == torch.tensor([[0, 1], [1, 2], [2, 3]])).all()
    torch.testing.assert_close(fn.entropy(), torch.zeros((), dtype=torch.double), rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(fn.log_partition_function, logits)
    torch.testing.assert_close(gradient, torch.tensor([1.0, 0, 1, 0, 0, 1], dtype=torch.double))
    assert dist.SpanningTree(torch.tensor([0.0, -torch.inf, -torch.inf])).log_partition_function == -torch.inf


def test_derivatives_of_the_marginals_are_those_of_finite_differences():
    logits = logits_of(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: dist.SpanningTree(x).log_partition_function, logits)
    assert torch.autograd.gradcheck(lambda x: dist.SpanningTree(x).edge_mean, logits)


def test_one_vertex_has_one_tree():
    fn = dist.SpanningTree(torch.zeros(0))
    assert fn.sample((3,)).shape == (3, 0, 2)
    assert fn.mode.shape == (0, 2)
    assert fn.enumerate_support().shape == (1, 0, 2)
    assert fn.log_partition_function == 0


@pytest.mark.parametrize(
    ("edges", "sentence"),
    [
        ([[0, 1], [0, 2]], r"the shape is not \(\*batch, 3, 2\)"),
        ([[0, 1], [0, 2], [0, 5]], "there are vertices outside 0, ..., 3"),
        ([[1, 0], [0, 2], [1, 3]], "an edge does not have its smaller vertex first"),
        ([[0, 2], [0, 1], [1, 3]], "the edges are not in colexicographic order"),
        ([[0, 1], [0, 2], [1, 2]], "the edges do not connect all vertices"),
    ],
)
def test_edges_that_are_no_tree_are_named(edges, sentence):
    fn = dist.SpanningTree(torch.zeros(6))
    with pytest.raises(SupportError, match=sentence):
        fn.validate_edges(torch.tensor(edges))
    with pytest.raises(ValueError, match=r"SpanningTree|must match event_shape"):
        fn.log_prob(torch.tensor(edges))


def test_arguments_are_checked():
    with pytest.raises(ShapeError, match=r"The edge_logits have the shape \(5,\); they take one entry for each"):
        dist.SpanningTree(torch.zeros(5))
    with pytest.raises(ArgumentError, match="The sampler_options of SpanningTree have no 'mcmc_step'. Did you mean"):
        dist.SpanningTree(torch.zeros(6), {"mcmc_step": 2})
    assert dist.SpanningTree(torch.zeros(6), {"mcmc_steps": 2, "backend": "cpp"}).sample().shape == (3, 2)
    with pytest.raises(ArgumentError, match="There are 4782969 trees on 9 vertices, too many to list"):
        enumerate_trees(9)
    assert repr(dist.SpanningTree(torch.zeros(6)).support) == "SpanningTreeConstraint(4)"
