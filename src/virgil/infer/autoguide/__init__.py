"""Guides made from models, one family a file."""
