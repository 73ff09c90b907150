"""A step of SVI as a pure function of its state, its arguments and random numbers."""
