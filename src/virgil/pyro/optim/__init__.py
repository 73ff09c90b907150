"""Optimisers as old programs hold them: with an optimiser for each parameter, and states by parameter."""
