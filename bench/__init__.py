"""The bench: this engine against the same nets written plainly in PyTorch (`python -m bench`)."""
