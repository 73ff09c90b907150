"""Functions and classes of the old ``contrib`` that have no place in the rooms of ``virgil.contrib``."""
