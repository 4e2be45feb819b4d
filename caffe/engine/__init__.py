"""The passes over a graph: layer by layer, as a plan for inference, as a training step."""
