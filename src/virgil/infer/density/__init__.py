"""A program, or a model with its guide, as a density."""
