"""The language of the API: endpoints, values, retry and poll arithmetic. No I/O and no Airflow."""
