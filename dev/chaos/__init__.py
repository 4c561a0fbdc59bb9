"""A seeded adversary breaks a real Airflow in every way, and each job is still paid for once."""
