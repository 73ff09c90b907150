"""Rounds of loops in JAX: those that depend on each other as a scan, others all at once."""
