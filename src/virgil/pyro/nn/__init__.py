"""Modules as old programs know them."""
