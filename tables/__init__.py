"""The paper's tables: published values beside ours."""

import solvers  # noqa: F401  the data layers' folder becomes importable
