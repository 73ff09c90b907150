"""Reading a model and a guide: the report on how they fit together, and the drawing of a model."""
