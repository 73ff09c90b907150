"""The rounds of unrolled Python loops, found in a graph."""
