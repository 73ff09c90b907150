"""The statements of a program and their dependences, found by running it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.distributions.core.feasible_value import feasible_value
from virgil.infer.checks.containment import family_name
from virgil.infer.density.dependence import marked
from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.provenance import Origins, Provenance, names_in, regions_in
from virgil.infer.density.region import Region
from virgil.ops.broadcast import broadcast_shapes
from virgil.params import get_param_store
from virgil.poutine.frame import ChainStep, Frame
from virgil.poutine.reparam import is_restated
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace
from virgil.poutine.wrap import Program

__all__ = ["Node", "Role", "Structure", "structures"]

Role = Literal["latent", "observed", "deterministic", "factor", "param"]


@dataclass(frozen=True)
class Node:
    """One statement of a program, or the parameters of one network.

    Attributes:
        name: of the site; of the network, for its parameters.
        role: what it is.
        parents: the statements whose values its distribution, its value or its mask is computed from, with no other
            statement in between; in the order of the program.
        family: of its distribution; of a parameter, the constraint.
        enumerated: whether it is marked to be enumerated.
        auxiliary: whether it is a variable of the guide alone.
        frames: the plates around it, outermost first.
        steps: the steps of Markov chains around it, outermost first.
        data: the tensors from outside the program that its value, if observed, and its distribution, if latent, is
            computed from.
    """

    name: str
    role: Role
    parents: tuple[str, ...] = ()
    family: str = ""
    enumerated: bool = False
    auxiliary: bool = False
    frames: tuple[Frame, ...] = ()
    steps: tuple[ChainStep, ...] = ()
    data: frozenset[Region] = frozenset()


Structure = Mapping[str, Node]


def structures(
    model: Program, guide: Program | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Structure, Structure | None]:
    """Run the guide, and the model on the same mini-batches; afterwards all is as before.

    Data are followed by where they lie in memory, so that both programs are given the same tensors.
    """
    with unmarked(), get_param_store().discarding():
        if guide is None:
            return _run(model, args, kwargs)[0], None
        of_guide, drawn = _run(guide, args, kwargs)
        plates = Trace()
        plates.nodes = {name: site for name, site in drawn.nodes.items() if site.kind == "plate"}
        return _run(Replay(plates)(model), args, kwargs)[0], of_guide


def _run(program: Program, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Structure, Trace]:
    watch = _Watch()
    with watch.provenance.following():
        drawn = trace(watch(program)).get_trace(*args, **kwargs)
    return watch.nodes, drawn


class _Watch(Handler):
    """Makes a node of every statement, and marks its value."""

    def __init__(self) -> None:
        self.provenance = Provenance()
        self.nodes: dict[str, Node] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Finish the site; the program goes on with a marked value."""
        with self.provenance.heedless():
            if site.kind == "param":
                return self._param(outer(site))
            if site.kind == "deterministic":
                return self._deterministic(outer(site))
            return self._sampled(site, outer) if site.kind == "sample" else outer(site)

    def _param(self, site: Site) -> Site:
        name = site.name.partition("$$$")[0]  # one node for all of a network's
        is_local = site.args[3:4] not in ((), (None,))  # with event_dim=, its dims on the left are the plates'
        frames = site.frames if is_local else ()
        self.nodes[name] = Node(name, "param", family=_constraint(name) if name == site.name else "", frames=frames)
        if isinstance(site.value, Tensor):
            self.provenance.mark(site.value, name)
        return site

    def _deterministic(self, site: Site) -> Site:
        self._add(site, "deterministic", self._of(site.value))
        return marked(self.provenance, site)

    def _sampled(self, site: Site, outer: Outer) -> Site:
        is_given = site.value is not None
        finished = _drawn(site, outer)
        before = self._of(finished.value)
        site = marked(self.provenance, finished)
        try:
            origins = self._of(site.unscaled_log_prob)
        except Exception as error:
            error.add_note(f"This happened when the log-probability of site {site.name!r} was computed.")
            raise
        for each in (site.mask, site.scale):
            origins |= self._of(each)
        if site.is_factor:
            self._add(site, "factor", origins)
        elif is_restated(site):
            self._add(site, "deterministic", origins | before)
        elif site.observed:
            self._add(site, "observed", origins | names_in(before), frozenset(regions_in(before)))
        else:
            origins |= frozenset() if is_given else before
            self._add(site, "latent", origins, frozenset(regions_in(origins)))
        return site

    def _of(self, value: Any) -> Origins:
        return self.provenance.of(value) if isinstance(value, Tensor) else frozenset()

    def _add(self, site: Site, role: Role, origins: Origins, data: frozenset[Region] = frozenset()) -> None:
        parents = names_in(origins) | names_in(self.provenance.control)
        self.nodes[site.name] = Node(
            site.name,
            role,
            tuple(name for name in self.nodes if name in parents and name != site.name),
            "" if role in ("deterministic", "factor") else family_name(site.fn),
            role == "latent" and site.infer.get("enumerate") is not None,
            bool(site.infer.get("is_auxiliary")),
            site.frames,
            site.steps,
            data,
        )


def _drawn(site: Site, outer: Outer) -> Site:
    """The finished site; where its distribution can only be scored, with some value of the support."""
    try:
        return outer(site)
    except NotImplementedError:
        if site.value is not None:
            raise
        fn = site.fn
        shape = broadcast_shapes(fn.batch_shape, _plates(site.frames))
        return outer(site.with_value(feasible_value(fn.support, shape + fn.event_shape)))


def _plates(frames: tuple[Frame, ...]) -> torch.Size:
    sizes = {frame.dim: frame.size for frame in frames if frame.dim is not None}
    return torch.Size(sizes.get(dim, 1) for dim in range(min(sizes, default=0), 0))


def _constraint(param: str) -> str:
    """The constraint of a parameter, by the name that programs use."""
    store = get_param_store()
    constraint = entry_constraint(store.constraint(param)) if param in store else constraints.real
    return next((name for name in constraints.__all__ if getattr(constraints, name) is constraint), str(constraint))
