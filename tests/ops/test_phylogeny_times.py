"""The times of a phylogeny."""

from types import SimpleNamespace

import pytest

from virgil.errors import ArgumentError
from virgil.ops.phylogeny_times import bio_phylo_to_times


def clade(*clades, length=1.0, year=0.0):
    return SimpleNamespace(clades=list(clades), branch_length=length, year=year)


def test_a_clade_of_many_children_is_as_many_coalescences_at_once():
    tree = SimpleNamespace(root=clade(clade(length=0.5), clade(clade(), clade(length=2.0), clade()), length=None))
    leaves, coalescences = bio_phylo_to_times(tree)
    assert leaves.tolist() == [0.5, 2.0, 3.0, 2.0]
    assert coalescences.tolist() == [0.0, 1.0, 1.0]


def test_times_may_be_given():
    tree = SimpleNamespace(root=clade(clade(year=2001.5, length=None), clade(year=2003.0, length=None), year=1999.0))
    leaves, coalescences = bio_phylo_to_times(tree, get_time=lambda each: each.year)
    assert leaves.tolist() == [2001.5, 2003.0]
    assert coalescences.tolist() == [1999.0]


def test_a_branch_without_a_length_is_named():
    tree = SimpleNamespace(root=clade(clade(length=None), clade()))
    with pytest.raises(ArgumentError, match="A branch of the tree, .* has no branch_length"):
        bio_phylo_to_times(tree)
