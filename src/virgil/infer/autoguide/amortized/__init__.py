"""Guides that compute a slot's posterior from its data, by a network that all slots share."""
