"""``config_enumerate``: mark the sites of a program that are to be enumerated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from virgil.errors import ArgumentError, shown
from virgil.poutine.enumeration import checked_num_samples
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.wrap import wrapped

__all__ = ["config_enumerate"]

P = ParamSpec("P")
R = TypeVar("R")

_WAYS = (None, "parallel", "sequential")
_TMC = ("diagonal", "mixture")


class _Marked(Handler):
    """Marks latent sites that are not marked yet: discrete ones, and any where draws are asked for."""

    def __init__(self, default: str | None, expand: bool, num_samples: int | None) -> None:
        self.options = {"enumerate": default, "expand": expand, "num_samples": num_samples}

    def before(self, site: Site) -> Site:
        """Mark the site."""
        if site.is_latent and "enumerate" not in site.infer:
            infer = {**self.options, **site.infer}
            if infer["num_samples"] is not None or getattr(site.fn, "has_enumerate_support", False):
                site = site.replace(infer=infer)
        return site


@overload
def config_enumerate(
    guide: Callable[P, R],
    default: str | None = "parallel",
    expand: bool = False,
    num_samples: int | None = None,
    tmc: str = "diagonal",
) -> Callable[P, R]: ...
@overload
def config_enumerate(
    guide: None = None,
    default: str | None = "parallel",
    expand: bool = False,
    num_samples: int | None = None,
    tmc: str = "diagonal",
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def config_enumerate(
    guide: Callable[..., Any] | None = None,
    default: str | None = "parallel",
    expand: bool = False,
    num_samples: int | None = None,
    tmc: str = "diagonal",
) -> Any:
    r"""Mark every discrete latent site of a program to be enumerated; also a decorator, with or without arguments.

    With ``num_samples``, every latent site of a guide, a continuous one too, has that many independent draws along a
    dim of its own in place of all its values. Draws of different sites meet in all pairs, and their average stands for
    the expectation:

    .. math:: \mathbb{E}_{q(a)\,q(b \mid a)}[f(a, b)] \approx \frac{1}{n^2} \sum_{s,t=1}^{n} f(a_s, b_{st}), \qquad
        a_s \sim q(a), \quad b_{st} \sim q(b \mid a_s).

    The bound and its gradient stay unbiased, with less variance than one draw has.

    Args:
        guide: the program, a model or a guide; without one, a decorator is returned.
        default: ``"parallel"``, ``"sequential"``, or ``None`` for no enumeration. A site's own ``infer=`` comes first.
        expand: accepted for the sake of existing programs; values are broadcast where they are used.
        num_samples: draws of each site, in parallel; ``None`` sums exactly. A variable that the model sums out must
            have ``None``: the logarithm of an average of draws is biased.
        tmc: accepted for the sake of existing programs, ``"diagonal"`` or ``"mixture"``.

    Raises:
        ArgumentError: an argument that is none of these.
    """
    if default not in _WAYS:
        raise ArgumentError(
            f"config_enumerate() got default={shown(default)}; it takes 'parallel', 'sequential' or None."
        )
    if tmc not in _TMC:
        raise ArgumentError(f"config_enumerate() got tmc={shown(tmc)}; it takes 'diagonal' or 'mixture'.")
    checked_num_samples(num_samples, default, "config_enumerate()")
    return wrapped(_Marked(default, expand, num_samples), guide)
