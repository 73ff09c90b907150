"""A function of tensors, recorded as a graph of operators, and compared with its recording later."""
