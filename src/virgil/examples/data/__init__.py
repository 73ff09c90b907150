"""The tables that the programs read: two that ship with Virgil, and the doors to two of scikit-learn's."""
