"""Families of matchings and trees."""
