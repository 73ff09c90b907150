"""The dependences between a model's latent variables in its posterior, in the order in which the model states them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from virgil.infer.density.dependence import Watch
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.provenance import Provenance
from virgil.nn.call import isolated
from virgil.poutine.block import Block
from virgil.poutine.replay import Replay
from virgil.poutine.trace import Trace

__all__ = ["eliminated", "inverse_structure", "reads_by_statement"]


def inverse_structure(
    model: Callable[..., Any], prototype: Trace, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, tuple[str, ...]]:
    """The latent variables that each one depends on in the posterior, given those stated before it.

    The model is followed at the values of its first run. Where that is not possible, as its Python code reads values,
    each variable depends on all before it.

    Returns:
        By latent variable, in the model's order, the earlier ones.
    """
    latents = prototype.stochastic_nodes
    reads = reads_by_statement(model, prototype, args, kwargs)
    if reads is None:
        return {name: tuple(latents[:at]) for at, name in enumerate(latents)}
    return eliminated(latents, reads)


def reads_by_statement(
    model: Callable[..., Any], prototype: Trace, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Mapping[str, frozenset[str]] | None:
    """By statement, the latent variables that its density is computed from, itself included.

    Returns:
        ``None`` where the model cannot be followed, as its Python code reads values.
    """
    provenance = Provenance(merges=True)
    watch = Watch(provenance)
    try:
        with dry_run(), Block(lambda site: True), isolated(), Replay(prototype), provenance.following():
            watch(model)(*args, **kwargs)
    except Exception:  # of a program that runs, but not while its values are followed
        return None
    if provenance.control or not set(prototype.stochastic_nodes) <= watch.reads.keys():
        return None
    return watch.reads


def eliminated(latents: list[str], reads: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """The parents of each variable when a posterior is written by the chain rule in the model's order.

    Variables that meet in a statement are joined; the last variable depends on its neighbours and, summed out, joins
    them; and so on to the first *(Webb et al. 2018, "Faithful inversion of generative models", section 3; Koller and
    Friedman 2009, section 9.4)*.

    Args:
        latents: the variables in the model's order.
        reads: by statement, observed ones included, the variables that its distribution is computed from.

    >>> eliminated(["a", "b", "c"], {"c": frozenset({"a"}), "x": frozenset({"b", "c"})})
    {'a': (), 'b': ('a',), 'c': ('a', 'b')}
    """
    neighbours: dict[str, set[str]] = {name: set() for name in latents}
    for statement, read in reads.items():
        joined = [name for name in latents if name in read or name == statement]
        for name in joined:
            neighbours[name].update(each for each in joined if each != name)
    parents: dict[str, tuple[str, ...]] = {}
    for at in reversed(range(len(latents))):
        name, before = latents[at], latents[:at]
        own = [each for each in before if each in neighbours[name]]
        parents[name] = tuple(own)
        for each in own:
            neighbours[each].update(other for other in own if other != each)
    return {name: parents[name] for name in latents}
