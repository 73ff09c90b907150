"""The protocol of messages as old programs call it: the stack, messages by hand, and what is installed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any, TypedDict

from virgil.poutine.escape import NonlocalExit as HouseExit
from virgil.poutine.frame import Frame
from virgil.poutine.mask import get_mask
from virgil.poutine.messenger import Message
from virgil.poutine.plate import active_frames
from virgil.poutine.runtime import emit, installed
from virgil.poutine.site import Site
from virgil.poutine.stack import stated_here
from virgil.poutine.string_keys import FIELDS
from virgil.pyro.poutine.installed_list import InstalledList
from virgil.pyro.poutine.sites import site_of

__all__ = [
    "InferDict",
    "Message",
    "NonlocalExit",
    "am_i_wrapped",
    "apply_stack",
    "default_process_message",
    "effectful",
    "get_mask",
    "get_plates",
]

_PYRO_STACK = InstalledList()


class InferDict(TypedDict, total=False):
    """The options of ``infer=`` that have a meaning, and those that handlers leave there."""

    enumerate: str
    expand: bool
    is_auxiliary: bool
    is_observed: bool
    num_samples: int
    obs: Any
    prior: Any
    tmc: str
    was_observed: bool


class NonlocalExit(HouseExit):
    """Raised to leave a program at a site."""

    def __init__(self, site: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(site)

    def reset_stack(self) -> None:
        """Let each installed messenger forget the execution that is given up, the innermost first."""
        for each in reversed(installed()):
            reset = getattr(each, "_reset", None)
            if reset is not None:
                reset()


def am_i_wrapped() -> bool:
    """True if a handler is installed."""
    return bool(installed())


def get_plates() -> tuple[Frame, ...]:
    """The frames of the plates that have been entered, outermost first."""
    return tuple(active_frames())


def default_process_message(msg: dict[str, Any]) -> None:
    """Do what happens to a message behind the outermost messenger: call its function, if it has no value."""
    if not msg["done"] and not msg["is_observed"] and msg["value"] is None:
        msg["value"] = msg["fn"](*msg["args"], **msg["kwargs"])
    msg["done"] = True


def apply_stack(initial_msg: dict[str, Any]) -> None:
    """Send a message that a program has written through the installed messengers; what comes back is written into it.

    Args:
        initial_msg: has ``type``, ``name``, ``fn``, ``args``, ``kwargs``, ``value``, ``is_observed``; other keys of
            messages may be there.
    """
    site = site_of({"done": False, "stop": False, "continuation": None, **initial_msg})
    fn = site.fn
    if callable(fn) and not hasattr(fn, "log_prob"):
        site.fn = stated_here(fn)
    called = site.fn
    finished = emit(site)
    changed = {key: getattr(finished, field) for key, field in FIELDS.items()} | dict(finished.extra)
    if finished.fn is called:
        changed["fn"] = fn
    initial_msg.update(changed, type=finished["type"], scale=finished["scale"], done=True)
    continuation = initial_msg["continuation"]
    if continuation is not None:
        continuation(initial_msg)


def effectful(fn: Callable[..., Any] | None = None, type: str | None = None) -> Callable[..., Any]:
    """Make a function a statement of some type, whose calls pass through the installed messengers.

    A call may also have ``name=``, ``infer=`` and ``obs=``, which the function itself does not get.

    Args:
        fn: the function; without one, a decorator is returned.
        type: the type of the statement.
    """
    if fn is None:
        return partial(effectful, type=type)
    kind, default = type or "effect", fn

    @functools.wraps(fn)
    def statement(
        *args: Any, name: str | None = None, infer: dict[str, Any] | None = None, obs: Any = None, **kwargs: Any
    ) -> Any:
        if not installed():
            return default(*args, **kwargs)
        site = Site(kind, name, stated_here(default), args, kwargs, obs, obs is not None, infer)  # type: ignore[arg-type]
        return emit(site).value

    statement._is_effectful = True  # type: ignore[attr-defined]
    return statement
