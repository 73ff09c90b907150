"""Arithmetic on random variables: ``RandomVariable(dist.Uniform(0.0, 1.0)).log().neg().dist`` is exponential."""

from virgil.contrib.randomvariable.random_variable import RandomVariable

__all__ = ["RandomVariable"]
