"""Families of matchings and trees."""

EDGES = {}
