"""The pipelines of the comparison."""
