"""Training: the solvers, their update rules, learning rates and snapshots."""
