"""The tables and pictures of ``docs/families.md``, made from the classes and from the rows of the laws.

``python -m tests.house.families`` writes the tables, and with ``--pictures`` the pictures too (extra ``plot``).
"""
