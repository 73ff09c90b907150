"""Guides with one distribution over all latent sites together, unconstrained and in a row."""
