"""Effects as old programs use them: messengers as classes of hooks, messages by hand, traces with edges."""

from virgil.distributions.core.validation import enable_validation
from virgil.distributions.core.validation import is_validating as is_validation_enabled
from virgil.poutine.mask import get_mask
from virgil.pyro.poutine.block_messenger import block
from virgil.pyro.poutine.collapse_messenger import collapse
from virgil.pyro.poutine.escape_messenger import escape
from virgil.pyro.poutine.messenger import unwrap
from virgil.pyro.poutine.runtime import NonlocalExit
from virgil.pyro.poutine.trace_messenger import trace
from virgil.pyro.poutine.trace_struct import Trace

__all__ = [
    "NonlocalExit",
    "Trace",
    "block",
    "collapse",
    "enable_validation",
    "escape",
    "get_mask",
    "is_validation_enabled",
    "trace",
    "unwrap",
]
