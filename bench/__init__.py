"""The bench: this engine beside the others that run these nets (`python -m bench`)."""
