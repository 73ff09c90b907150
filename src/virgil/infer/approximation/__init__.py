"""Deterministic approximations of a posterior: no noise, no rate, and an end that is known when it is reached."""
