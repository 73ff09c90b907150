"""Graphs of tensor operations, compiled by torch's Inductor."""
