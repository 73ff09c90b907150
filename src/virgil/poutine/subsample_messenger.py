"""The distribution of a plate's indices, at the path and name by which programs tell such sites from others."""

from virgil.poutine.plate import SubsampleIndices as _Subsample

__all__ = ["_Subsample"]
