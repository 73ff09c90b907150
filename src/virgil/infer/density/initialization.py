"""Where a guide or a sampler begins: functions from a latent site to a constrained value.

Each is used as it is, ``AutoNormal(model, init_loc_fn=init_to_mean)``, or with options,
``init_loc_fn=init_to_median(num_samples=100)``. One of your own is any function ``site -> value``; the site's
distribution, broadcast to its plates, is ``site["fn"]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.core.feasible_value import feasible_value
from virgil.errors import ArgumentError, a_kind, shown
from virgil.infer.density.bijection import find_bijection
from virgil.poutine.site import Site

__all__ = [
    "InitFn",
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


def _check_site(function: str, site: object, usage: str) -> None:
    if site is not None and not isinstance(site, Site):
        raise ArgumentError(
            f"{function}() got {a_kind(type(site))} as its first argument, which is the site that a guide calls it "
            f"with. Write {usage}."
        )


def init_to_feasible(site: Site | None = None) -> Any:
    """A value in the middle of the support, whatever the distribution: 0 for reals, 1 for positives."""
    _check_site("init_to_feasible", site, "init_loc_fn=init_to_feasible")
    if site is None:
        return init_to_feasible
    return feasible_value(site.fn.support, site.fn.batch_shape + site.fn.event_shape, **dtype_and_device(site.fn))


def init_to_sample(site: Site | None = None) -> Any:
    """A draw from the prior."""
    _check_site("init_to_sample", site, "init_loc_fn=init_to_sample")
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
    _check_site("init_to_median", site, "init_to_median(num_samples=...)")
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
    _check_site("init_to_mean", site, "init_to_mean(fallback=...)")
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
    _check_site("init_to_uniform", site, "init_to_uniform(radius=...)")
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
    _check_site("init_to_value", site, "init_to_value(values=...)")
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
    _check_site("init_to_generated", site, "init_to_generated(generate=...)")
    chosen = _Generated(generate)
    return chosen if site is None else chosen(site)


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
