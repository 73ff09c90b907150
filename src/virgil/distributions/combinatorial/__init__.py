"""Families of matchings and of trees."""
