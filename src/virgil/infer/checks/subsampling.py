"""Check that the indices of a subsampled plate are used, so that every datum is seen in its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from virgil.errors import PlateError, ShapeError
from virgil.infer.checks.containment import family_name, static_support
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.support import data_problem
from virgil.infer.density.dry_run import dry_run
from virgil.ops.trees import tree_leaves
from virgil.poutine.frame import Frame
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace

__all__ = ["index_problems", "whole_problems"]

_OF_SHAPE = frozenset({Tensor.__len__, Tensor.size, Tensor.dim, Tensor.numel})
_INTEGERS = frozenset({torch.int64, torch.int32})
_NAMED = frozenset({str, bool, type(None)})  # arguments that choose no rows


def whole_problems(subject: Subject) -> Iterator[Finding]:
    """Observations that have a plate's full size where the plate takes a mini-batch."""
    for role, site in subject.sites():
        shape = tuple(site.value.shape) if role == "model" and site.observed and isinstance(site.value, Tensor) else ()
        for frame in site.frames:
            dim = _dim(site, frame)
            if dim is not None and len(shape) >= -dim and shape[dim] == frame.full_size:
                yield Finding(
                    f"At site {site.name!r}, the observed value has shape {shape}, the full size {frame.full_size} of "
                    f"plate {frame.name!r} at dim {dim}, but the plate takes {frame.size} of them at a time.",
                    _cure(frame.name),
                    site.name,
                    kind=ShapeError,
                )


def index_problems(subject: Subject) -> Iterator[Finding]:
    """Plates whose indices choose nothing, or choose among too few or too many.

    Both programs are run once more where some plate draws indices, and not otherwise.
    """
    drawn = _sizes(subject.guide) | _sizes(subject.model)
    if not drawn or subject.failed is not None or len(subject.programs) < 2:
        return
    with dry_run():
        found = list(_found(subject, drawn))
    yield from found


def _found(subject: Subject, drawn: dict[str, int]) -> Iterator[Finding]:
    guide, model, uses = _run(subject)
    for name, size in drawn.items():
        site = model.nodes.get(name) or guide.nodes[name]
        for role, use in uses.items():
            yield from _other_sizes(name, size, role, use.sizes_of(site.value))
        if not uses["model"].read(site.value):
            yield from _unused(name, subject, model)
        yield from _outside(name, model, uses["model"].sources_of(site.value))


def _outside(name: str, model: Trace, sources: list[tuple[Tensor, Tensor]]) -> Iterator[Finding]:
    """Data of which a plate takes mini-batches, and which later ones would find outside the support."""
    for site in model.nodes.values():
        whole = next((source for taken, source in sources if taken is site.value), None)
        support = static_support(site) if site.kind == "sample" and site.observed and whole is not None else None
        if whole is not None and support is not None:
            what = f"the data behind the mini-batches of plate {name!r}"
            problem = data_problem(site.name, family_name(site.fn), support, whole, what)
            if problem is not None:
                yield problem


def _sizes(traced: Trace) -> dict[str, int]:
    """The full sizes of the plates that draw a mini-batch."""
    plates = ((name, site) for name, site in traced.nodes.items() if site.kind == "plate" and not site.observed)
    return {name: site.fn.size for name, site in plates if len(site.value) < site.fn.size}


def _run(subject: Subject) -> tuple[Trace, Trace, dict[str, _Use]]:
    uses = {"guide": _Use(), "model": _Use()}
    with torch.no_grad():
        with uses["guide"]:
            guide = trace(subject.programs["guide"]).get_trace(*subject.args, **subject.kwargs)
        with uses["model"]:
            model = trace(Replay(guide)(subject.programs["model"])).get_trace(*subject.args, **subject.kwargs)
    return guide, model, uses


@dataclass(frozen=True)
class _Indexed:
    """A tensor of integers that was an argument of torch.

    Attributes:
        integers: the tensor.
        size: of the dim that it indexed, if it did.
        source: the tensor that was indexed by it alone.
        taken: what came of it.
    """

    integers: Tensor
    size: int | None
    source: Tensor | None = None
    taken: Tensor | None = None


class _Use(TorchFunctionMode):
    """Notes every tensor of integers that a function of torch is given, unless it looks at its shape alone."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[_Indexed] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func not in _OF_SHAPE and getattr(func, "__name__", "") != "__get__":
            for leaf in tree_leaves((args, kwargs)):
                if isinstance(leaf, Tensor) and leaf.dtype in _INTEGERS and leaf.dim() == 1:
                    size = _size_indexed(func, args, leaf)
                    self.noted.append(_Indexed(leaf, size, *((args[0], result) if size is not None else ())))
        return result

    def read(self, indices: Tensor) -> bool:
        """True if these indices were read."""
        return any(each.integers is indices for each in self.noted)

    def sources_of(self, indices: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The tensors that came of indexing by these, each with the one that was indexed."""
        noted = [each for each in self.noted if each.integers is indices]
        return [(each.taken, each.source) for each in noted if each.taken is not None and each.source is not None]

    def sizes_of(self, indices: Tensor) -> list[int]:
        """The sizes of the dims that they indexed."""
        return [each.size for each in self.noted if each.integers is indices and each.size is not None]


def _size_indexed(func: Callable[..., Any], args: tuple[Any, ...], indices: Tensor) -> int | None:
    if func is Tensor.__getitem__ and args[0].dim():
        if args[1] is indices:
            return int(args[0].shape[0])
        entries = args[1] if isinstance(args[1], tuple) else ()
        if all(each is indices or isinstance(each, slice) for each in entries):
            return next((int(args[0].shape[dim]) for dim, each in enumerate(entries) if each is indices), None)
    if func in (Tensor.index_select, torch.index_select) and len(args) == 3:
        return int(args[0].shape[args[1]])
    return None


def _other_sizes(name: str, size: int, role: str, sizes: list[int]) -> Iterator[Finding]:
    for other in sorted(set(sizes)):
        if other < size:
            yield Finding(
                f"Plate {name!r} has size {size}, but in the {role} its indices choose among {other}: the step that "
                f"draws an index of {other} or more will fail.",
                "Give the plate the size of the data, or the data the size of the plate.",
                name,
                kind=PlateError,
            )
        elif other > size:
            yield Finding(
                f"Plate {name!r} has size {size}, but in the {role} its indices choose among {other}: from {size} on "
                "none is ever seen.",
                "Give the plate the size of the data. If the rest is left out on purpose, cut it off before.",
                name,
                severity="warning",
            )


def _unused(name: str, subject: Subject, model: Trace) -> Iterator[Finding]:
    """Observations in the plate that are taken from the whole and are the same in two executions."""
    given = tree_leaves((subject.args, subject.kwargs))
    suspects = [
        (site, frame)
        for site in model.nodes.values()
        for frame in site.frames
        if frame.name == name and site.kind == "sample" and site.observed and _is_of_whole(site, frame, given)
    ]
    again = _run(subject)[1].nodes if suspects else {}
    for site, frame in suspects:
        if site.name in again and torch.equal(again[site.name].value, site.value):
            yield Finding(
                f"Plate {name!r} takes {frame.size} of {frame.full_size}, but the model does not use its indices: at "
                f"every step site {site.name!r} sees the same {frame.size} values, each with weight {frame.weight:g}.",
                _cure(name),
                site.name,
            )


def _is_of_whole(site: Site, frame: Frame, given: list[Any]) -> bool:
    """True if the value has the mini-batch's size, and what it can come from has the full one."""
    dim = _dim(site, frame)
    if dim is None or site.value.dim() < -dim or site.value.shape[dim] != frame.size:
        return False

    def has(tensor: Tensor, size: int) -> bool:
        return tensor.dim() > 0 and (tensor.shape[0] == size or (tensor.dim() >= -dim and tensor.shape[dim] == size))

    tensors = [each for each in given if isinstance(each, Tensor)]
    if not tensors:
        base = site.value._base
        return all(type(each) in _NAMED for each in given) and base is not None and has(base, frame.full_size)
    choosing = [each for each in given if not isinstance(each, Tensor) and type(each) not in _NAMED]
    return (
        not choosing
        and any(has(each, frame.full_size) for each in tensors)
        and all(has(each, frame.full_size) for each in tensors if each.numel())
    )


def _dim(site: Site, frame: Frame) -> int | None:
    """Where the value has the plate's dim; ``None`` where the plate does not subsample."""
    if frame.dim is None or frame.particle or frame.size == frame.full_size:
        return None
    return frame.dim - len(site.fn.event_shape)


def _cure(name: str) -> str:
    return (
        f"Write with virgil.plate({name!r}, ...) as indices: and obs=data[indices], or obs=virgil.subsample(data, "
        "event_dim=...)."
    )
