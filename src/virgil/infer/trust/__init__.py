"""How far to trust a fit: its guide against the posterior, and its steps against where they lead."""
