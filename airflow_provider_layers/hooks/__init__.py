"""The hook, and what else the floors above need from Airflow."""
