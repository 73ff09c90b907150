"""Errors of fits against posteriors whose means and standard deviations are known."""
