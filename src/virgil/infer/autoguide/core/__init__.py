"""What every automatic guide stands on: the dry run of its model, its plates, its parameters."""
