"""What waiting costs in the triggerer: many simultaneous waits, ours against other providers', over TLS."""
