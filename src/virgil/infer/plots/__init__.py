"""Pictures of fits, posteriors and checks, made from data by matplotlib."""
