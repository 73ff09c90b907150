"""The parameter store as old programs know it."""
