"""Distributions and tests by which old programs test inference."""
