"""``to_arviz``: draws of chains as ArviZ's ``DataTree``. The door to arviz-base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from virgil.errors import ArgumentError

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = ["to_arviz"]

_FIGURES = {"energy": "energy", "tree depth": "tree_depth"}


def to_arviz(samples: Mapping[str, Tensor], kernels: Sequence[Mapping[str, Any]]) -> DataTree:
    """Draws and what the kernels noted of them, as a ``DataTree``.

    Args:
        samples: draws by name. Shape: ``(chains, draws, *shape)``.
        kernels: each chain's figures of its kernel.

    Raises:
        ArgumentError: arviz-base is not installed.
    """
    try:
        import arviz_base  # noqa: PLC0415 - an optional dependency at its door
        import xarray  # noqa: PLC0415 - which arviz-base needs
    except ImportError:
        raise ArgumentError('to_arviz() needs arviz-base: pip install "virgil-ppl[arviz]".') from None
    chains, draws = next(iter(samples.values())).shape[:2]
    figures: dict[str, Any] = {}
    if all("divergences" in each for each in kernels):
        figures["diverging"] = np.zeros((chains, draws), dtype=bool)
        for chain, each in enumerate(kernels):
            figures["diverging"][chain, [step for step in each["divergences"] if step < draws]] = True
    for name, field in _FIGURES.items():
        if all(name in each for each in kernels):
            figures[field] = np.stack([np.asarray(each[name])[:draws] for each in kernels])
    groups = {"posterior": {name: value.cpu().numpy() for name, value in samples.items()}, "sample_stats": figures}
    attrs = {"inference_library": "virgil"}
    return xarray.DataTree.from_dict(
        {name: arviz_base.dict_to_dataset(group, attrs=attrs) for name, group in groups.items() if group}
    )
