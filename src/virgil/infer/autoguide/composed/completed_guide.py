"""``complete``: the part of a guide that a user writes, and a family for the latent sites that it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, MismatchError, shown
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.rest import Rest
from virgil.infer.autoguide.messenger.auto_messenger import AutoMessenger
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.nn.call import calls
from virgil.poutine.block import Block
from virgil.poutine.plate import plate
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = ["CompletedGuide", "complete"]


class _Noting(Handler):
    """Notes the latent sites and the plates that a guide states; they go on outward."""

    def __init__(self) -> None:
        self.values: dict[str, Tensor] = {}
        self.plates: dict[str, Site] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one statement."""
        finished = outer(site)
        if finished.is_latent and not finished.infer.get("is_auxiliary"):
            self.values[finished.name] = finished.value
        elif finished.kind == "plate":
            self.plates[finished.name] = finished
        return finished


class CompletedGuide(AutoGuide):
    r"""A guide of which a user states a part, completed by a family for the other latent sites; see :func:`complete`.

    .. math:: q(z) = q_\text{guide}(z_\text{stated})\; q_\text{family}(z_\text{added})

    The two parts are independent. They share the plates, and so the mini-batches.

    Args:
        model: the generative program.
        guide: the program that states a part of the latent sites.
        family: from a model to a guide, such as :class:`AutoNormal`.
        **options: further arguments of the family, such as ``init_scale=``.

    Attributes:
        guide: the user's part.
        rest: the guide of the family. Its parameters are named after it, such as ``"CompletedGuide.rest.locs.mu"``.
        added: names of the sites that the family added; none before the first call.

    Raises:
        ArgumentError: a part that cannot be called, or a family that runs the model as a whole.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        guide: Callable[..., Any],
        family: Callable[..., AutoGuide] = AutoNormal,
        **options: Any,
    ) -> None:
        super().__init__(model)
        for argument, given in (("guide", guide), ("family", family)):
            if not callable(given):
                raise ArgumentError(f"complete() got {argument}={shown(given)}, which cannot be called.")
        _check_family(family)
        self.guide = guide
        self._rest_of_model = Rest(model)
        self._stated: frozenset[str] | None = None
        self.rest: AutoGuide = family(self._rest_of_model, **options)

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the sites that the family added, in the model's order."""
        return tuple([latent.name for latent in self.rest.latents])

    def extra_repr(self) -> str:
        """The sites of both parts."""
        if self._stated is None:
            return "not called yet"
        stated = ", ".join(sorted(self._stated)) or "no sites"
        return f"stated: {stated}; added by {type(self.rest).__name__}: {', '.join(self.added) or 'no sites'}"

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """State the sites of the user's guide, then those that are added.

        Returns:
            The value of each, constrained, by name.

        Raises:
            MismatchError: the user's guide states other sites than at the first call.
        """
        noting = _Noting()
        with noting:
            self.guide(*args, **kwargs)
        self._check_stated(frozenset(noting.values))
        self._share_plates(noting.plates)
        return {**noting.values, **self.rest(*args, **kwargs)}

    def _check_stated(self, names: frozenset[str]) -> None:
        if self._stated is None:
            self._rest_of_model.stated = self._stated = names
        elif names != self._stated:
            changed = ", ".join(repr(name) for name in sorted(names ^ self._stated))
            raise MismatchError(
                f"The guide that complete() was given states {changed} in some calls and not in others, so that the "
                f"rest of the guide, which is made at the first call, cannot be right in all of them. Let the guide "
                "state the same sites in every call, or complete one guide for each case."
            )

    def _share_plates(self, stated: dict[str, Site]) -> None:
        """Lend the plates that the user's guide made to the rest, so that they are made once and have one batch."""
        shared = calls.open.get(self._pyro_family, {}).setdefault("plates of guides", {})
        with Block(lambda site: True):
            for name, site in stated.items():
                if name not in shared:
                    whole = not site.observed and site.fn.size == site.fn.subsample_size
                    shared[name] = plate(
                        name, site.fn.size, subsample=None if whole else site.value, device=site.fn.device
                    )

    def reset_parameters(self) -> None:
        """Let the next call begin from other initial values, in those parts that are made from the model."""
        for part in (self.guide, self.rest):
            if isinstance(part, AutoGuide):
                part.reset_parameters()

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent site that has one: those of a guide by hand are left out."""
        return self._asked("median", (), args, kwargs)

    @torch.no_grad()
    def quantiles(self, quantiles: Sequence[float] | Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Quantiles of every latent site that has them: those of a guide by hand are left out.

        Raises:
            NotImplementedError: the family has none, for instance a point estimate.
        """
        if not hasattr(self.rest, "quantiles"):
            raise NotImplementedError(f"{type(self.rest).__name__} has no quantiles.")
        return self._asked("quantiles", (quantiles,), args, kwargs)

    def _asked(
        self, method: str, first: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Tensor]:
        if self._stated is None:
            self.sample_posterior(*args, **kwargs)
        values: dict[str, Tensor] = {}
        for part in (self.guide, self.rest):
            if isinstance(part, AutoGuide) and hasattr(part, method):
                values.update(getattr(part, method)(*first, *args, **kwargs))
        return values


def _check_family(family: Any) -> None:
    if isinstance(family, type) and issubclass(family, AutoMessenger):
        raise ArgumentError(
            f"complete() got family={family.__name__}, which runs the whole model in the guide and would draw the "
            "sites that your guide states once more, from their priors. Take a family that does not, such as "
            "AutoNormal."
        )


def complete(
    guide: Callable[..., Any], model: Callable[..., Any], family: Callable[..., AutoGuide] = AutoNormal, **options: Any
) -> CompletedGuide:
    """Complete a guide: the latent sites of the model that it leaves out are stated by a family, independent of it.

    Added sites inside plates of the user's guide share them, mini-batches too. The slots of a partly observed site that
    are latent are added as well. Discrete sites marked for enumeration are left to be summed out, so use
    ``TraceEnum_ELBO``. The guide must state the same sites in every call.

    Args:
        guide: the program that states the part that matters: a function, a module or another guide.
        model: the generative program.
        family: from a model to a guide, such as ``AutoDelta``. It draws no site of the user's part.
        **options: further arguments of the family, such as ``init_scale=``.

    Raises:
        ArgumentError: a part that cannot be called, or a family that runs the model as a whole.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import complete
        >>> def model():
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     virgil.sample("sigma", dist.HalfNormal(1.0))
        >>> def part():
        ...     virgil.sample("mu", dist.Normal(virgil.param("mu_loc", torch.tensor(0.0)), 1.0))
        >>> guide = complete(part, model)
        >>> list(guide())
        ['mu', 'sigma']
        >>> guide.added
        ('sigma',)
    """
    return CompletedGuide(model, guide, family, **options)
