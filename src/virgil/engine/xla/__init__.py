"""Graphs of tensor operations, lowered operator by operator to JAX. Needs the extra ``xla``."""

from virgil.engine.xla.flags import set_flags

set_flags()
