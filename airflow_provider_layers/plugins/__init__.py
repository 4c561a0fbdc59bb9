"""The Layers page in the Airflow UI. Everything but `layers` is loaded by the API server alone."""
