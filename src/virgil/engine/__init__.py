"""Functions of tensors, captured as graphs and run many steps at a time; knows no models."""
