"""Torch's operators: their names, their parts, the noise that they draw and the tensors that they write."""
