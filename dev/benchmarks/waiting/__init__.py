"""The cost of waiting in the triggerer: many simultaneous waits over TLS, compared with other providers."""
