"""The store of a process, and the one in use by a thread."""

from __future__ import annotations

from virgil.params.store import ParamStore
from virgil.params.store_stack import installed

__all__ = ["clear_param_store", "default_store", "get_param_store"]

default_store = ParamStore()


def get_param_store() -> ParamStore:
    """The store in use: where ``param`` and ``module`` statements put parameters.

    It is that of the innermost ``with store:`` of this thread, else the default store.

    >>> with ParamStore() as store:
    ...     get_param_store() is store
    True
    """
    store = installed()
    return default_store if store is None else store  # type: ignore[return-value]  # only stores are installable


def clear_param_store() -> None:
    """Forget all parameters of the store in use; call it before a model is fitted afresh."""
    get_param_store().clear()
