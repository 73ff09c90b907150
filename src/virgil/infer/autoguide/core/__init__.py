"""The ground of every automatic guide: the dry run of its model, its plates, its parameters."""
