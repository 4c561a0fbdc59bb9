"""A seeded adversary against a real Airflow, which shows that a job is paid for once."""
