"""A fit for other libraries: draws, predictions and pointwise likelihoods in the formats that they read."""
