"""The paper's tables: published values beside ours."""
