"""The hook and the connection."""
