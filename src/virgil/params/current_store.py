"""The store of a process, and the one in use by a thread."""

from __future__ import annotations

from virgil.params.store import ParamStore
from virgil.params.store_stack import installed

__all__ = ["clear_param_store", "current_store", "default_store", "get_param_store"]

default_store = ParamStore()


def current_store() -> ParamStore:
    """The store of the innermost ``with store:`` of this thread, else the default store."""
    store = installed()
    return default_store if store is None else store  # type: ignore[return-value]  # only stores are installable


def get_param_store() -> ParamStore:
    """The store in use: where ``param`` and ``module`` statements put parameters.

    >>> with ParamStore() as store:
    ...     get_param_store() is store
    True
    """
    return current_store()


def clear_param_store() -> None:
    """Forget all parameters of the store in use; call it before a model is fitted afresh."""
    current_store().clear()
