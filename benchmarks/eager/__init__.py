"""One eager SVI step of three well-known programs, in Virgil and in Pyro."""
