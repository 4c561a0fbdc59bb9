"""Benchmarks: each prints ratios to other providers, measured in the same run."""
