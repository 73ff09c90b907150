"""How near fits come to posteriors whose means and standard deviations are known."""
