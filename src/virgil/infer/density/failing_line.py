"""The tensors, the distribution and the network that stand at the line of a program which raised an exception."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator, Mapping, Sequence
from traceback import FrameSummary
from types import FrameType
from typing import Any

from torch import Tensor, nn
from torch import distributions as td

from virgil.poutine.enumeration import draws, enumerated_dim
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Step", "described", "inner_call", "tensors_at"]

Step = tuple[FrameType, FrameSummary]

_NAMES = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?")
_MOST = 6  # tensors that are told


def described(value: Any) -> str:
    """A tensor or array by dtype and shape, anything else by its type, with its article.

    >>> import torch
    >>> described(torch.arange(3))
    'an int64 tensor of shape (3,)'
    """
    words = _described(value)
    return f"an {words}" if words[0] in "aeiAEIO" else f"a {words}"


def _described(value: Any) -> str:
    if not _is_array(value):
        return type(value).__name__
    dtype = getattr(value, "dtype", None)
    kind = "tensor" if isinstance(value, Tensor) else type(value).__name__
    entries = "" if dtype is None else f"{str(dtype).removeprefix('torch.')} "
    elsewhere = f" on {value.device}" if isinstance(value, Tensor) and value.device.type != "cpu" else ""
    return f"{entries}{kind} of shape {tuple(value.shape)}{elsewhere}"


def tensors_at(step: Step, trace: Trace) -> list[str]:
    """The tensors that a failing expression names, or else its line, in words; ``trace`` tells which are of sites."""
    values = {id(site.value): site for site in trace.nodes.values() if site.kind in ("sample", "plate")}
    for whole in (False, True):
        told = {
            name: f"{name} is {_of_site(values.get(id(value)))}{described(value)}"
            for name, value in _named(*step, whole)
            if _is_array(value)
        }
        if len(told) > 1:
            break
    return list(told.values())[:_MOST]


def _is_array(value: Any) -> bool:
    """True for what has a shape by its class: an attribute of an instance may do anything when it is read."""
    return hasattr(type(value), "shape") and isinstance(value.shape, tuple)


def _named(frame: FrameType, step: FrameSummary, whole: bool) -> Iterator[tuple[str, Any]]:
    """The variables, and attributes of them, in the part of the line that failed, or in all of it."""
    variables: Mapping[str, Any] = {**frame.f_globals, **frame.f_locals}
    first, last = step.lineno or 0, step.end_lineno or step.lineno or 0
    text = "".join(linecache.getline(step.filename, number) for number in range(first, last + 1))
    if first == last and not whole:
        text = text[step.colno or 0 : step.end_colno]
    for name, attribute in _NAMES.findall(text):
        if name in variables:
            yield name, variables[name]
            if attribute:  # it is looked up without a call, since reading an attribute may state a site
                own: Mapping[str, Any] = getattr(variables[name], "__dict__", {})
                yield f"{name}.{attribute}", {**own.get("_buffers", {}), **own}.get(attribute)


def _of_site(site: Site | None) -> str:
    if site is None:
        return ""
    if site.kind == "plate":
        return f"the indices of plate {site.name!r}, "
    dim = enumerated_dim(site)
    if dim is None:
        return f"the value of site {site.name!r}, "
    number = "all its values" if draws(site) is None else "several draws"
    return f"site {site.name!r}, which is enumerated and so has {number} at once along dim {dim}, "


def inner_call(steps: Sequence[Step]) -> str:
    """The distribution that was being made, or the network that was being called, with the arguments, in words."""
    for frame, _ in steps:
        made = frame.f_locals.get("self")
        if isinstance(made, td.Distribution) and frame.f_code.co_name == "__init__":
            given = [f"{name}, {described(value)}" for name, value in _arguments(frame) if not _is_plain(value)]
            return f"{type(made).__name__} got {' and '.join(given)}." if given else ""
    for frame, _ in reversed(steps):
        network = frame.f_locals.get("self")
        if isinstance(network, nn.Module) and frame.f_code.co_name == "forward" and not list(network.children()):
            given = [f"{name}, {described(value)}" for name, value in _arguments(frame) if _is_array(value)]
            return f"{network} was called with {' and '.join(given)}." if given else ""
    return ""


def _arguments(frame: FrameType) -> Iterator[tuple[str, Any]]:
    for name in frame.f_code.co_varnames[1 : frame.f_code.co_argcount]:
        yield name, frame.f_locals.get(name)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float))
