"""The diabetes data that come with scikit-learn, standardised."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.examples.data.scikit_learn import scikit_learn

__all__ = ["load"]

# what the data set calls s1 to s6, by its own description
_NAMES = {
    "bp": "blood pressure",
    "s1": "cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "tch",
    "s5": "ltg",
    "s6": "glucose",
}


def load() -> tuple[list[str], Tensor, Tensor]:
    """Names of the inputs, inputs of shape ``(442, 10)`` and target of shape ``(442,)``, all with mean 0 and sd 1.

    Raises:
        ArgumentError: scikit-learn is not installed.
    """
    data = scikit_learn("datasets").load_diabetes(scaled=False)
    names = [_NAMES.get(name, name) for name in data.feature_names]
    return names, _standardised(torch.from_numpy(data.data)), _standardised(torch.from_numpy(data.target))


def _standardised(columns: Tensor) -> Tensor:
    return ((columns - columns.mean(0)) / columns.std(0, correction=0)).float()
