"""Programs to read and to run: ``virgil demo coin``, or ``python -m virgil.examples.coin``.

Each is written as a user would write it, model and guide and a ``main`` that fits, prints and draws:

- ``coin`` is the smallest, ``schools`` and ``regression`` follow;
- ``vae`` learns networks from mini-batches, ``bnn`` and ``dmm`` are modules that are programs;
- ``mixture``, ``hmm``, ``lda`` and ``ssvae`` sum discrete variables out.

A file whose name begins with a program's, such as ``lda_model``, is a part of that program. ``data/`` has the tables
that they read, ``reports/`` what they print and draw, and ``registry.py`` the list for ``virgil demo``.
"""
