"""Guides that state one distribution for each latent site, independent of the other sites."""
