"""A page in the browser that segments photographs, and its HTTP interface for programs."""
