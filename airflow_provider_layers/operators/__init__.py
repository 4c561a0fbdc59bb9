"""Operators, one module per resource of the API."""
