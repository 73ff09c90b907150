"""The bases of series that are observed through a hidden chain of states."""
