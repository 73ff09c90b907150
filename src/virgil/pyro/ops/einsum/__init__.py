"""Einsum by opt-einsum, and modules that it takes as backends for logarithms."""

from __future__ import annotations

from typing import Any

import opt_einsum

__all__ = ["contract", "contract_expression"]


def contract(equation: str, *operands: Any, cache_path: bool = True, **kwargs: Any) -> Any:
    """``opt_einsum.contract``. The ``cache_path`` is not read.

    >>> import torch
    >>> contract("ab,bc->ac", torch.ones(2, 3), torch.ones(3, 1), backend="torch").flatten()
    tensor([3., 3.])
    """
    return opt_einsum.contract(equation, *operands, **kwargs)


def contract_expression(equation: str, *shapes: Any, cache_path: bool = True, **kwargs: Any) -> Any:
    """``opt_einsum.contract_expression``. The ``cache_path`` is not read."""
    return opt_einsum.contract_expression(equation, *shapes, **kwargs)
