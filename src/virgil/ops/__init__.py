"""Numerical algorithms that know no models."""
