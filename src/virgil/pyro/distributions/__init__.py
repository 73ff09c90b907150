"""Functions and classes about distributions that only old programs use."""
