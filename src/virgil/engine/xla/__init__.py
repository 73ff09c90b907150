"""Graphs of tensor operations, lowered operator by operator to JAX. Needs the extra ``xla``."""

from virgil.engine.xla.flags import set_flags
from virgil.engine.xla.versions import check_version

check_version()
set_flags()
