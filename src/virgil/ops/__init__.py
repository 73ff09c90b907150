"""Numerical algorithms that know no models, and state of torch and Python that a thread may have of its own."""
