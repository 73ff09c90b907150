"""The ground that every family of distributions stands on; it knows no family.

:mod:`~virgil.distributions.core.shape_algebra` gives torch's families the methods that plates need,
:mod:`~virgil.distributions.core.expand_methods` gives them ``expand``, and
:mod:`~virgil.distributions.core.validation` says when arguments and values are checked.
"""
