"""Virgil beside its peers: timings and ratios are printed and nothing is asserted."""
