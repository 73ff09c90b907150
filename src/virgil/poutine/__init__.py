"""The statements of a program, and the handlers that give them another meaning.

Read ``runtime.py`` first: a statement makes a :class:`Site`, which passes through the installed handlers, innermost
first. Each handler has a file; its function takes a program and wraps it, or returns the handler for use in a ``with``
statement.
"""

from typing import TYPE_CHECKING

from virgil.ops import absent_names
from virgil.poutine.block import block
from virgil.poutine.broadcast import broadcast
from virgil.poutine.condition import condition, uncondition
from virgil.poutine.do import do
from virgil.poutine.enumeration import enum
from virgil.poutine.equalize import equalize
from virgil.poutine.escape import NonlocalExit, escape
from virgil.poutine.frame import Frame
from virgil.poutine.infer_config import infer_config
from virgil.poutine.lift import lift
from virgil.poutine.markov import markov
from virgil.poutine.mask import get_mask, mask
from virgil.poutine.messenger import Messenger
from virgil.poutine.queue import queue
from virgil.poutine.reparam import reparam
from virgil.poutine.replay import replay
from virgil.poutine.runtime import Handler, emit
from virgil.poutine.scale import scale
from virgil.poutine.seed import seed
from virgil.poutine.site import Site
from virgil.poutine.subsample_sites import prune_subsample_sites, site_is_subsample
from virgil.poutine.substitute import substitute
from virgil.poutine.trace import Trace, trace
from virgil.poutine.vectorized_markov import vectorized_markov

__all__ = [
    "Frame",
    "Handler",
    "Messenger",
    "NonlocalExit",
    "Site",
    "Trace",
    "block",
    "broadcast",
    "condition",
    "do",
    "emit",
    "enum",
    "equalize",
    "escape",
    "get_mask",
    "infer_config",
    "lift",
    "markov",
    "mask",
    "prune_subsample_sites",
    "queue",
    "reparam",
    "replay",
    "scale",
    "seed",
    "site_is_subsample",
    "substitute",
    "trace",
    "uncondition",
    "vectorized_markov",
]

if not TYPE_CHECKING:  # a type checker would take every name for one that is there
    __getattr__ = absent_names.refusing(__name__, __all__)
