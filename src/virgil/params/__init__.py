"""Parameters: unconstrained leaf tensors by name, each with its constraint.

``ParamStore`` holds them. ``get_param_store()`` is the store in use: the default one, or that of the innermost
``with store:`` of this thread.
"""

from __future__ import annotations

from virgil.params.constraint_json import register_constraint
from virgil.params.current_store import clear_param_store, default_store, get_param_store
from virgil.params.store import ParamStore

__all__ = [
    "ParamStore",
    "clear_param_store",
    "default_store",
    "get_param_store",
    "register_constraint",
]
