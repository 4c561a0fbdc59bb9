"""Triggers, one module for each resource of the API."""

TIMEOUT = "timeout"
ERROR = "error"
"""Statuses of an event, besides those of what is waited for."""
