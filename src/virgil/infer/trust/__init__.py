"""What a fit is worth: how well its guide matches the posterior, and whether its steps have arrived."""
