"""``Messenger``: a handler written as hooks that change a mapping, as in many existing programs.

A new handler is shorter as a :class:`~virgil.poutine.runtime.Handler`: one function around a call. Both kinds nest with
each other in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handler, Outer, Passage
from virgil.poutine.site import Site
from virgil.poutine.stack import stated_here
from virgil.poutine.string_keys import COMPUTED, FIELDS

__all__ = ["Message", "Messenger", "PROTOCOL"]

_OF_SITE = frozenset({"type", "scale", "undrawn"})
PROTOCOL = frozenset({"done", "stop", "continuation"})


class Message(dict[str, Any]):
    """A site as a mapping that hooks change.

    Its keys are ``type``, ``name``, ``fn``, ``args``, ``kwargs``, ``value``, ``is_observed``, ``infer``, ``scale``
    (with the weights of plates), ``mask``, ``cond_indep_stack`` (the frames of plates, outermost first), and three that
    steer what happens:

    * ``done``: true keeps the default, such as drawing a value, from being applied; it is true once there is a value;
    * ``stop``: true hides the statement from the handlers outside;
    * ``continuation``: a function of the message, called when all hooks have seen it, or ``None``.

    Keys of a program's own are handed on to the hooks of other handlers and to traces. ``log_prob``, ``log_prob_sum``
    and ``unscaled_log_prob`` can be read once there is a value.
    """

    def __init__(self, site: Site) -> None:
        super().__init__(done=site.value is not None and not site.observed, stop=False, continuation=None)
        self.backs: list[Outer] = []
        self.read(site)

    def read(self, site: Site) -> None:
        """Fill the mapping from a site."""
        self._site, self._scale = site, site["scale"]
        self.update({key: getattr(site, field) for key, field in FIELDS.items()})
        self.update(site.extra, type=site["type"], scale=self._scale)

    def __missing__(self, key: str) -> Any:
        if key in COMPUTED and self["value"] is not None:
            return self.written("A handler")[key]
        raise KeyError(f"The message of site {self['name']!r} has no {key!r}. It has: {', '.join(self)}.")

    def through(self, treat: Callable[[Site], Site | Passage], author: str) -> None:
        """Change the message as a function of sites does, such as the ``before`` of a handler.

        Args:
            treat: the function. What it asks to be done on the way back is done before the hooks are called there.
            author: who changes it, for errors.
        """
        value, observed = self["value"], self["is_observed"]
        came = treat(self.written(author))
        passage = came if isinstance(came, Passage) else Passage(came)
        self.read(passage.site)
        if self["value"] is not value or self["is_observed"] is not observed:
            self["done"] = self["value"] is not None and not self["is_observed"]
        if passage.back is not None:
            self.backs.append(passage.back)
        if passage.is_finished:
            self["stop"] = True

    def written(self, author: str, without: Collection[str] = ()) -> Site:
        """The site with the changes; itself where there are none.

        Args:
            author: who changed it, for errors.
            without: keys that are not handed on.

        Raises:
            ArgumentError: a change that makes no sense.
        """
        site = self._site
        changes = {field: self[key] for key, field in FIELDS.items() if self[key] is not getattr(site, field)}
        if self["type"] != site["type"]:
            changes["kind"] = self["type"]
            if site.kind == "param" and self["args"] is site.args:
                changes.update(args=(), kwargs={})  # what they say is about the parameter
        extra = {key: self[key] for key in self.keys() - FIELDS.keys() - _OF_SITE - set(without)}
        if extra.get("done") and self["value"] is None:
            extra["undrawn"] = True
        if extra.keys() != site.extra.keys() or any(extra[key] is not site.extra[key] for key in extra):
            changes["extra"] = extra
        if "frames" in changes:
            changes["frames"] = tuple(changes["frames"])
        if "frames" in changes or self["scale"] is not self._scale:
            changes["scale"] = self["scale"]
        if not changes:
            return site
        new = site.replace(**changes)
        _check(new, author)
        if "scale" in changes and new.weight != 1.0:
            new.scale = new.scale / new.weight
        return new


def _check(site: Site, author: str) -> None:
    where = f"{author}, at site {site.name!r}, left"
    computed = site.extra.keys() & COMPUTED
    if computed:
        raise ArgumentError(
            f"{where} {', '.join(sorted(computed))} in the message. Log-probabilities follow from the rest: change fn, "
            "scale or mask, or state a factor()."
        )
    if site.kind != "sample":
        return
    mask, scale = site.mask, site.scale
    is_mask = mask is None or isinstance(mask, bool) or (isinstance(mask, Tensor) and mask.dtype == torch.bool)
    is_scale = isinstance(scale, (int, float, Tensor)) and not isinstance(scale, bool)
    for key, value, is_right, expected in (
        ("name", site.name, isinstance(site.name, str), "a string"),
        ("fn", site.fn, hasattr(site.fn, "log_prob"), "a distribution"),
        ("infer", site.infer, isinstance(site.infer, dict), "a dict"),
        ("mask", mask, is_mask, "None, a bool or a tensor of dtype torch.bool"),
        ("scale", scale, is_scale, "a number or a tensor"),
    ):
        if not is_right:
            raise ArgumentError(f"{where} {key}={shown(value)} in the message of a sample site; it must be {expected}.")
    if site.observed and site.value is None:
        raise ArgumentError(
            f"{where} is_observed=True without a value in the message. Set value too, or is_observed=False."
        )


class Messenger(Handler):
    """A handler whose hooks change a mapping, see :class:`Message`.

    For each statement, going outward, ``_process_message(msg)`` is called; coming back, when the value is there,
    ``_postprocess_message(msg)``. Unless overridden they call a method for the type of the statement, if there is one:
    ``_pyro_sample(msg)`` and ``_pyro_post_sample(msg)``, ``_pyro_param(msg)`` and ``_pyro_post_param(msg)``, and so on
    for types made by :func:`~virgil.poutine.runtime.effectful`. The indices of a plate and deterministic values are of
    type ``"sample"``.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> class Loud(Messenger):
        ...     def _pyro_post_sample(self, msg):
        ...         print(msg["name"], tuple(msg["value"].shape))
        >>> with Loud(), virgil.plate("data", 3):
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        data (3,)
        x (3,)
    """

    takes_turns = True

    def before(self, site: Site) -> Passage:
        """Show the site to the hooks as a mapping, and do what they wrote into it."""
        innermost = not site.extra  # what another one further in has seen has keys there
        site = site.replace(infer=dict(site.infer))
        site.broadcast()
        message, author = Message(site), type(self).__name__
        known = message["continuation"]
        self._process_message(message)
        if message["continuation"] is not known and callable(message["continuation"]):
            message["continuation"] = stated_here(message["continuation"])  # the innermost Messenger calls it
        site = message.written(author)

        def back(finished: Site) -> Site:
            message.read(finished)
            message["done"] = True
            while message.backs:
                message.through(message.backs.pop(), author)
            self._postprocess_message(message)
            finished = message.written(author, without=PROTOCOL if innermost else ("done",))
            if innermost and message["continuation"] is not None:
                message["continuation"](message)
            return finished

        return Passage(site.resolve(), back, True) if message["stop"] else Passage(site, back)

    def _process_message(self, msg: Message) -> None:
        """Called on the way outward, the innermost handler first."""
        self._call_hook(f"_pyro_{msg['type']}", msg)

    def _postprocess_message(self, msg: Message) -> None:
        """Called on the way back, the outermost handler first."""
        self._call_hook(f"_pyro_post_{msg['type']}", msg)

    def _call_hook(self, name: str, msg: Message) -> None:
        hook = getattr(self, name, None)
        if hook is not None:
            hook(msg)
