"""Training: solver parameters, the 32s -> 16s -> 8s staging, scores and their pictures."""
