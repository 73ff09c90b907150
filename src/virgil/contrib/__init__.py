"""Rooms that stand on the core, which imports none of them: each is for one kind of program, and is imported by name.

* ``autoname``: names of sites from scopes, counters and data structures;
* ``bnn``: a layer of a Bayesian neural network, by local reparameterisation;
* ``conjugate``: latent variables that are integrated out in closed form, and drawn again afterwards;
* ``easyguide``: guides by hand, with statements for groups of the model's sites;
* ``randomvariable``: arithmetic on random variables;
* ``zuko``: a flow of the package zuko as a distribution.
"""
