"""Figures that tests compare with, and the scripts that computed them."""
