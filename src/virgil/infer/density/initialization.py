"""Where a guide or a sampler begins: functions from a latent site to a constrained value.

Each is used as it is, ``AutoNormal(model, init_loc_fn=init_to_mean)``, or with options,
``init_loc_fn=init_to_median(num_samples=100)``. One of your own is any function ``site -> value``; the site's
distribution, broadcast to its plates, is ``site["fn"]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from virgil.distributions.core.feasible_value import feasible_value
from virgil.errors import ArgumentError, ShapeError, shown
from virgil.infer.density.bijection import find_bijection, is_discrete
from virgil.ops.broadcast import broadcast_shapes
from virgil.poutine.frame import plates_shape
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = [
    "InitFn",
    "InitMessenger",
    "dtype_and_device",
    "given_names",
    "init_to_feasible",
    "init_to_generated",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
]

InitFn = Callable[[Site], Tensor]


def init_to_feasible(site: Site | None = None) -> Any:
    """A value in the middle of the support, whatever the distribution: 0 for reals, 1 for positives."""
    if site is None:
        return init_to_feasible
    return feasible_value(site.fn.support, site.fn.batch_shape + site.fn.event_shape, **dtype_and_device(site.fn))


def init_to_sample(site: Site | None = None) -> Any:
    """A draw from the prior."""
    if site is None:
        return init_to_sample
    return site.fn.sample()


def init_to_median(site: Site | None = None, num_samples: int = 15, *, fallback: InitFn = init_to_feasible) -> Any:
    """The median of draws from the prior, coordinate by coordinate in unconstrained space.

    Args:
        site: left out to give options.
        num_samples: how many draws.
        fallback: used where the prior cannot be drawn from, or its draws are not finite.
    """
    if not isinstance(num_samples, int) or num_samples < 1:
        raise ArgumentError(
            f"init_to_median() got num_samples={shown(num_samples)}; it takes a whole number, 1 or more."
        )
    if site is None:
        return partial(init_to_median, num_samples=num_samples, fallback=fallback)
    bijection = find_bijection(site.name, site.fn)
    try:
        draws = site.fn.sample((num_samples,))
    except NotImplementedError:
        return fallback(site)
    value = bijection(bijection.inverse(draws).median(0).values)
    return value if bool(value.isfinite().all()) else fallback(site)


def init_to_mean(site: Site | None = None, *, fallback: InitFn = init_to_median) -> Any:
    """The prior's mean.

    Args:
        site: left out to give options.
        fallback: used where the mean is not known, not finite or outside the support.
    """
    if site is None:
        return partial(init_to_mean, fallback=fallback)
    try:
        value = site.fn.mean.detach().clone()
    except (NotImplementedError, AttributeError):
        return fallback(site)
    inside = value.isfinite().all() and site.fn.support.check(value).all()
    return value if bool(inside) else fallback(site)


def init_to_uniform(site: Site | None = None, radius: float = 2.0) -> Any:
    """A value that is uniform on ``(-radius, radius)`` in each unconstrained coordinate."""
    if not radius > 0:
        raise ArgumentError(f"init_to_uniform() got radius={shown(radius)}; it takes a positive number.")
    if site is None:
        return partial(init_to_uniform, radius=radius)
    bijection = find_bijection(site.name, site.fn)
    origin = bijection.inverse(init_to_feasible(site))
    return bijection(torch.empty_like(origin).uniform_(-radius, radius))


class _ToValue:
    """``init_to_value`` with its options."""

    def __init__(self, values: Mapping[str, Any], fallback: InitFn | None) -> None:
        self.values = values
        self.fallback = fallback

    def __call__(self, site: Site) -> Tensor:
        if site.name not in self.values:
            if self.fallback is None:
                raise ArgumentError(
                    f"init_to_value() has no value for site {site.name!r}, and fallback=None. "
                    "Give values for every latent site, or a fallback."
                )
            return self.fallback(site)
        return torch.as_tensor(self.values[site.name], **dtype_and_device(site.fn)).detach()


def init_to_value(
    site: Site | None = None, values: Mapping[str, Any] | None = None, *, fallback: InitFn | None = init_to_uniform
) -> Any:
    """The values given.

    Args:
        site: left out to give options.
        values: constrained value by site. It is an error if one of the names is no latent site of the model.
        fallback: used for sites that ``values`` lacks; ``None`` makes that an error.
    """
    chosen = _ToValue(values or {}, fallback)
    return chosen if site is None else chosen(site)


class _Generated:
    """``init_to_generated`` with its options: a new choice each time that the model is run."""

    def __init__(self, generate: Callable[[], InitFn]) -> None:
        self.generate = generate
        self._init: InitFn | None = None
        self._seen: set[str] = set()

    def __call__(self, site: Site) -> Tensor:
        if self._init is None or site.name in self._seen:
            self._init = self.generate()
            self._seen = set()
        self._seen.add(site.name)
        return self._init(site)


def init_to_generated(site: Site | None = None, generate: Callable[[], InitFn] = lambda: init_to_uniform) -> Any:
    """By a function that ``generate`` makes, called once for each set of initial values.

    Args:
        site: left out to give options.
        generate: makes an initialisation function, for example ``lambda: init_to_value(values=...)`` with values of
            chance.
    """
    chosen = _Generated(generate)
    return chosen if site is None else chosen(site)


class InitMessenger(Handler):
    """Gives every latent site the value that ``init_fn`` makes for it.

    Attributes:
        values: the values made. Inside a plate that is subsampled a value may have the plate's full size; the program
            gets its mini-batch.
    """

    def __init__(self, init_fn: InitFn) -> None:
        self.init_fn = init_fn
        self.values: dict[str, Tensor] = {}
        self._indices: dict[str, Tensor] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Fill in the value."""
        if site.kind == "plate":
            site = outer(site)
            self._indices[site.name] = site.value
            return site
        if not site.is_latent or site.value is not None or is_discrete(site.fn):
            return outer(site)
        fn = site.fn
        batch_shape = plates_shape(site.name, fn.batch_shape, site.frames)
        if batch_shape != fn.batch_shape:
            fn = fn.expand(batch_shape)
        with torch.no_grad():
            value = self.init_fn(site.replace(fn=fn))
            self.values[site.name], value = self._fitted(site, fn, value)
        return outer(site.with_value(value))

    def _fitted(self, site: Site, fn: Any, value: Any) -> tuple[Tensor, Tensor]:
        """The value as made, and its mini-batch."""
        if not isinstance(value, Tensor):
            raise ArgumentError(
                f"At site {site.name!r}, the init_loc_fn returned {shown(value)}, a {type(value).__name__}; it "
                "must return "
                "a tensor of the site's shape."
            )
        event_shape = fn.event_shape
        sizes = list(fn.batch_shape)
        shape = torch.Size(sizes) + event_shape
        if _broadcasts(value.shape, shape):
            value = value.detach().expand(shape).clone()
            return value, value
        cut = [frame for frame in site.frames if frame.dim is not None and frame.size != frame.full_size]
        for frame in cut:
            sizes[cast(int, frame.dim)] = frame.full_size
        full = torch.Size(sizes) + event_shape
        if not _broadcasts(value.shape, full):
            raise ShapeError(
                f"At site {site.name!r}, the initial value has shape {tuple(value.shape)}; it must broadcast to the "
                f"site's shape, {tuple(full)}. Change what init_loc_fn gives for this site.",
                site=site.name,
            )
        value = batch = value.detach().expand(full).clone()
        for frame in cut:
            indices = self._indices.get(frame.name, torch.arange(frame.size, device=value.device))
            batch = batch.index_select(cast(int, frame.dim) - len(event_shape), indices)
        return value, batch


def given_names(init_fn: Any) -> Mapping[str, Any]:
    """The values that an ``init_to_value`` was given, by name; nothing for other functions."""
    return init_fn.values if isinstance(init_fn, _ToValue) else {}


def dtype_and_device(fn: Any) -> dict[str, Any]:
    """The dtype and device of a distribution's parameters."""
    base = fn
    while hasattr(base, "base_dist"):
        base = base.base_dist
    parameters = (getattr(base, name, None) for name in getattr(base, "arg_constraints", {}))
    for value in (*vars(base).values(), *parameters):
        if isinstance(value, Tensor) and value.is_floating_point():
            return {"dtype": value.dtype, "device": value.device}
    return {"dtype": torch.get_default_dtype()}


def _broadcasts(shape: torch.Size, target: torch.Size) -> bool:
    try:
        return bool(broadcast_shapes(shape, target) == target)
    except RuntimeError:
        return False
