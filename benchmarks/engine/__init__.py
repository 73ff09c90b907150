"""Six programs from the start of the process to a fit, in Virgil on each engine and in its peers."""
