"""Graphs of tensor operations, lowered operator by operator to JAX. Needs the extra ``xla``."""
