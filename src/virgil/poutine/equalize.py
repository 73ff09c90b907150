"""``equalize``: give several statements one value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from virgil.distributions.composed.delta import Delta
from virgil.errors import ArgumentError, shown
from virgil.poutine.per_entry import PerEntry
from virgil.poutine.runtime import Handler, Passage
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Equalize", "equalize"]


class Equalize(Handler):
    """Gives the statements that match the value of the first of them, anew each time the handler is entered."""

    takes_turns = True

    def __init__(self, sites: str | Sequence[str], type: str = "sample", keep_dist: bool = False) -> None:
        patterns = [sites] if isinstance(sites, str) else list(sites)
        if not all(isinstance(pattern, str) for pattern in patterns):
            raise ArgumentError(f"equalize() got sites={shown(sites)}; it takes a regular expression or several.")
        if type not in ("sample", "param"):
            raise ArgumentError(f'equalize() got type={shown(type)}; it takes "sample" or "param".')
        self.sites, self.type, self.keep_dist = patterns, type, keep_dist
        self._values: PerEntry[list[Any]] = PerEntry(list)

    def __enter__(self) -> Equalize:
        self._values.enter()
        super().__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        self._values.leave()

    def _matches(self, site: Site) -> bool:
        return site.kind == self.type and any(re.fullmatch(pattern, site.name) for pattern in self.sites)

    def before(self, site: Site) -> Site | Passage:
        """Give the site the value of the first one, or keep its value for those that come."""
        if not self._matches(site):
            return site
        values = self._values.present
        if not values:

            def keep(finished: Site) -> Site:
                values.append(finished.value)
                return finished

            return Passage(site, keep)
        value = values[0]
        if site.kind == "param":
            return site.with_value(value)
        if self.keep_dist:
            return site.replace(value=value, observed=True)
        event_dim = len(site.fn.event_shape)
        infer = {**site.infer, "_deterministic": True}
        fn = Delta(value, event_dim=event_dim).mask(False)
        return site.replace(kind="deterministic", fn=fn, value=value, observed=True, infer=infer)


def equalize(
    fn: Program | None = None,
    sites: str | Sequence[str] | None = None,
    type: str = "sample",
    keep_dist: bool = False,
) -> Any:
    """Run a program in which several statements have one value, that of the first of them.

    Args:
        fn: the program; without one, the handler is returned.
        sites: a regular expression, or several, that a name matches as a whole.
        type: ``"sample"`` or ``"param"``.
        keep_dist: whether the later ones are observations of the value, whose densities count. Else they follow from
            the first one and count nothing.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> def model():
        ...     return [virgil.sample(f"x_{i}", dist.Normal(0.0, 1.0)) for i in range(3)]
        >>> first, second, third = virgil.poutine.equalize(model, "x_.*")()
        >>> bool(first == second == third)
        True
    """
    if sites is None:
        raise ArgumentError("equalize() needs sites=, a regular expression that names match, or a list of them.")
    return wrapped(Equalize(sites, type, keep_dist), fn)
