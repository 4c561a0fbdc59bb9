"""The vendor's API: request schemas, endpoints as values, and readers of responses. No I/O, no Airflow."""
