"""Figures 3 to 6 of the paper, drawn of any of our nets."""
