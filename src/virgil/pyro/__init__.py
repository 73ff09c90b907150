"""The old paths: ``import virgil.as_pyro`` makes ``import pyro`` and all below it yield Virgil.

``table.py`` says where each old module finds its names; ``finder.py`` makes modules of it. What only old programs need,
and the house has no other use for, lives here: the folder of an old module has its name.
"""
