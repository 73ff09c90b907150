"""The tables that the programs read: two that ship with Virgil, and the doors to those of scikit-learn and music21."""
