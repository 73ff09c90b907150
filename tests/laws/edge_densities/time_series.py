"""Families of whole series."""

EDGES = {}
