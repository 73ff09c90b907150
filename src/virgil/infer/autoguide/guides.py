"""The guide classes under the path that programs import them from."""

from virgil.infer.autoguide.auto_normal import AutoNormal
from virgil.infer.autoguide.guide import AutoGuide

__all__ = ["AutoGuide", "AutoNormal"]
