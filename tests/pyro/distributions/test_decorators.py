"""Decorators of classes and methods."""

import gc
import weakref

import pytest

from virgil.pyro.distributions.decorators import copy_docs_from, weakmethod


class Source:
    """A source."""

    def act(self):
        """It acts."""


@pytest.mark.parametrize("full", [True, False])
def test_documentation_is_copied_where_there_is_none(full):
    @copy_docs_from(Source, full_text=full)
    class Copy:
        def act(self):
            return 1

        def other(self):
            """It is something else."""

    assert Copy.__doc__ == ("A source." if full else f"See :class:`{__name__}.Source`.")
    assert Copy.act.__doc__ == ("It acts." if full else f"See :class:`{__name__}.Source.act`.")
    assert Copy.other.__doc__ == "It is something else."
    assert Copy().act() == 1


class Node:
    def __init__(self):
        self.callback = self.double

    @weakmethod
    def double(self, number, *, plus=0):
        return 2 * number + plus


def test_a_weak_method_makes_no_cycle():
    node = Node()
    callback, gone = node.callback, weakref.ref(node)
    assert callback(3, plus=1) == 7
    gc.disable()
    try:
        del node
        assert gone() is None
    finally:
        gc.enable()
    with pytest.raises(ReferenceError, match="The object of Node.double is gone"):
        callback(3)
