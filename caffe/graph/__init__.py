"""From a NetParameter to layers that are wired together."""
