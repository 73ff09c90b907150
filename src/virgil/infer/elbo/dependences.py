"""``Dependences``: the dependences of a model and guide, found once for each structure and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import torch

from virgil.infer.density.dependence import Dependence, Watch
from virgil.infer.density.dry_run import untouched
from virgil.infer.density.execution import Call, Pair
from virgil.infer.density.provenance import Provenance
from virgil.infer.elbo.mixed_slots import mixed_plates
from virgil.params import get_param_store
from virgil.poutine.trace import Trace

__all__ = ["Dependences"]

_KEPT = 64  # structures that are kept
_LOOK_AGAIN = 200  # executions after which a structure is looked at again
_IN_VAIN = 4  # times that a run may have another structure than the execution that it is made for

Runs = Callable[[Call], Sequence[Pair]]


class Dependences:
    """The dependences in the executions of one model and guide, as far as they are known.

    They are found by following values through one more run, and for plates by two that compare slots; these leave no
    mark. That takes some times as long as an execution, so they are kept by structure: the statements with their
    shapes, and the plain values among the arguments. Nothing is known of programs that read the values of tensors into
    Python, and so may depend on other variables each time, of those that cannot be followed, and of a guide with
    ``factor(..., has_rsample=False)``, whose draws have no site. What else they read, such as a global flag, is seen
    when they are looked at again: after 200 executions, and before every capture.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Dependence] = {}
        self._is_unknown = False
        self._uses = 0
        self._in_vain = 0

    def look_again(self) -> None:
        """Forget what is known, which is found anew at the next execution."""
        self._known = {}
        self._uses = 0

    def noted(self, call: Call, pairs: list[Pair], runs: Runs, around: frozenset[str] = frozenset()) -> list[Pair]:
        """Executions with the dependences in them, where these are known.

        Args:
            call: the programs and their arguments.
            pairs: the executions.
            runs: runs the programs as for these.
            around: names of plates around all statements of these, which those that are run do not have.
        """
        if self._is_unknown:
            return pairs
        keys = [_key(call, pair) for pair in pairs]
        if not torch.compiler.is_compiling():
            self._uses += 1
            if self._uses > _LOOK_AGAIN:
                self.look_again()
            if not all(key in self._known for key in keys):
                self._find(call, runs, around)
                self._in_vain += not all(key in self._known for key in keys)
                self._is_unknown |= self._in_vain >= _IN_VAIN
        if self._is_unknown:
            return pairs
        known = [self._known.get(key) for key in keys]
        return [replace(pair, dependence=each) for pair, each in zip(pairs, known, strict=True)]

    def _find(self, call: Call, runs: Runs, around: frozenset[str]) -> None:
        try:
            self._follow(call, runs, around)
        except Exception:  # of a program that runs, but not while its values are followed or replayed
            self._is_unknown = True

    def _follow(self, call: Call, runs: Runs, around: frozenset[str]) -> None:
        provenance = Provenance(merges=True)
        guide, model = Watch(provenance), Watch(provenance)
        with untouched(), get_param_store().discarding(), provenance.following():
            pairs = runs(Call(model(call.model), guide(call.guide), call.args, call.kwargs))
        seen = all(_has_seen(guide, pair.guide) and _has_seen(model, pair.model) for pair in pairs)
        if provenance.control or not seen or any(map(_has_factor, pairs)):
            self._is_unknown = True
            return
        mixed = mixed_plates(call, pairs[0], runs) if len(pairs) == 1 else frozenset()
        plates = {name: own | around for name, own in {**model.plates, **guide.plates}.items()}
        found = Dependence(guide.reads, model.reads, plates, mixed)
        if len(self._known) >= _KEPT:
            self._known = {}
        self._known.update({_key(call, pair): found for pair in pairs})


def _has_seen(watch: Watch, trace: Trace) -> bool:
    """False if a handler around the program has made statements of its own."""
    return all(name in watch.reads for name, site in trace.nodes.items() if site.kind == "sample")


def _has_factor(pair: Pair) -> bool:
    """True if a factor of the guide has the density of draws that are no values of sites."""
    return any(site.is_latent and site.is_factor and not site.fn.has_rsample for site in pair.guide.nodes.values())


def _key(call: Call, pair: Pair) -> Hashable:
    """Names, shapes and plates of the sample sites, and the arguments that are no tensors."""
    statements = [
        (name, site.observed, site.unscaled_log_prob.shape, site.fn.event_shape, site.frames)
        for trace in (pair.guide, pair.model)
        for name, site in trace.nodes.items()
        if site.kind == "sample"
    ]
    return tuple(statements), _plain(call.args), _plain(call.kwargs)


def _plain(value: Any) -> Hashable:
    """Plain values by value, floats by their sign, containers by what is in them, and others by their type."""
    kind = type(value)
    if kind in (bool, int, str, type(None)):
        return kind, value
    if kind is float:
        return kind, (value > 0) - (value < 0)
    if kind in (tuple, list):
        return kind, tuple(map(_plain, value))
    if kind is dict:
        return kind, tuple((_plain(key), _plain(each)) for key, each in value.items())
    return (kind,)
