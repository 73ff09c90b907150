"""Many steps in a row: where arguments come from, what takes the steps, what happens between them."""
