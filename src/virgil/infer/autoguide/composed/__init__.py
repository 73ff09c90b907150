"""Guides made of other guides."""
