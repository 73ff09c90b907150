"""Functions of old programs on matchings and trees."""

import pytest
import torch
from pyro.distributions.one_one_matching import OneOneMatching, OneOneMatchingConstraint, maximum_weight_matching
from pyro.distributions.one_two_matching import OneTwoMatchingConstraint, enumerate_one_two_matchings
from pyro.distributions.spanning_tree import (
    SpanningTree,
    enumerate_spanning_trees,
    find_best_tree,
    make_complete_graph,
    sample_tree,
    sample_tree_approx,
    sample_tree_mcmc,
)
from scipy import stats

from virgil.errors import ArgumentError, ShapeError

LOGITS = torch.tensor([0.3, -1.0, 0.5, 1.0, 0.1, -0.4])


def test_functions_on_matchings():
    logits = torch.tensor([[0.0, 2.0], [1.0, 0.0]])
    assert maximum_weight_matching(logits).tolist() == OneOneMatching(logits).mode().tolist() == [1, 0]
    assert maximum_weight_matching(logits.repeat(2, 1)).tolist() == [1, 0, 1, 0]
    assert OneTwoMatchingConstraint(3).check(enumerate_one_two_matchings(3)).all()
    assert OneOneMatchingConstraint(2).check(torch.tensor([[1, 0], [1, 1]])).tolist() == [True, False]
    with pytest.raises(ShapeError, match="maximum_weight_matching got logits of shape"):
        maximum_weight_matching(torch.zeros(3, 2))


def test_a_matrix_becomes_edge_logits():
    matrix = torch.arange(16.0).reshape(4, 4)
    i, j = make_complete_graph(4)
    assert matrix[i, j].tolist() == [1, 2, 6, 3, 7, 11]


@pytest.mark.parametrize("backend", ["python", "cpp"])
def test_functions_on_trees(backend):
    fn = SpanningTree(LOGITS)
    assert torch.equal(find_best_tree(LOGITS, backend=backend), fn.mode)
    first = sample_tree_approx(LOGITS, backend=backend)
    for tree in (first, sample_tree(LOGITS, backend=backend), sample_tree(LOGITS, first, 2, backend=backend)):
        fn.validate_edges(tree)
    assert enumerate_spanning_trees(3) == [((0, 1), (0, 2)), ((0, 1), (1, 2)), ((0, 2), (1, 2))]


def test_another_backend_is_refused():
    with pytest.raises(ArgumentError, match=r"The backend of spanning trees is 'rust'"):
        sample_tree(LOGITS, backend="rust")


def test_a_step_of_the_chain_leaves_the_distribution_of_trees():
    """Exact draws, one step on, against the exact probabilities; it fails by chance with probability 1e-5."""
    torch.manual_seed(11)
    fn = SpanningTree(LOGITS)
    trees = fn.enumerate_support()
    drawn = torch.stack([sample_tree_mcmc(LOGITS, tree) for tree in fn.sample((1000,))])
    counts = (drawn.unsqueeze(1) == trees).flatten(-2).all(-1).sum(0).double()
    expected = fn.log_prob(trees).double().exp()
    expected = expected / expected.sum() * 1000
    assert expected.min() > 5
    assert stats.chisquare(counts.numpy(), expected.numpy()).pvalue > 1e-5


def test_the_chain_moves_between_trees():
    torch.manual_seed(12)
    start = SpanningTree(LOGITS).mode
    assert len({str(sample_tree_mcmc(LOGITS, start).tolist()) for _ in range(50)}) > 5


def test_old_paths_of_coalescents():
    from pyro.distributions.coalescent import CoalescentTimes, CoalescentTimesConstraint, bio_phylo_to_times

    assert isinstance(CoalescentTimes(torch.zeros(3)).support, CoalescentTimesConstraint)
    assert callable(bio_phylo_to_times)
