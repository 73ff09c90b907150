"""Guides that take the model's own run, with a posterior in the place of each prior."""
