"""Methods of distributions under the names that they had before."""

from __future__ import annotations

import warnings
from typing import Any, NoReturn

from virgil.errors import ArgumentError

__all__ = ["RenamedMethods"]


class RenamedMethods:
    """A base of the shape algebra, which has the methods under their present names."""

    def independent(self, reinterpreted_batch_ndims: int | None = None) -> Any:
        """Today this is ``to_event``."""
        warnings.warn("independent(n) is an old name. Write to_event(n).", DeprecationWarning, stacklevel=2)
        return self.to_event(reinterpreted_batch_ndims)  # type: ignore[attr-defined]

    def reshape(self, sample_shape: Any = None, extra_event_dims: int | None = None) -> NoReturn:
        """Today these are two methods, ``expand_by`` and ``to_event``.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            f"reshape of {type(self).__name__} is two methods now. Write .expand_by(sample_shape) in the place of "
            "reshape(sample_shape=...), and .to_event(n) in that of reshape(extra_event_dims=n)."
        )
