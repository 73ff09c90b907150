"""Names of sites that a program need not write out.

``scope`` puts a prefix before the names inside, ``name_count`` numbers names that are stated again, ``autoname`` with
``sample`` names sites after their distributions, and ``named`` after the data structure that holds them.
"""

from virgil.contrib.autoname import named
from virgil.contrib.autoname.automatic import autoname, sample
from virgil.contrib.autoname.name_count import name_count
from virgil.contrib.autoname.scope import scope

__all__ = ["autoname", "name_count", "named", "sample", "scope"]
