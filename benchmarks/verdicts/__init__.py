"""Verdicts on many short fits of posteriors that are known: how often trust is wrong, and distrust needless."""
