"""The Layers page in the Airflow UI. Every process loads `layers`, the API server all the rest."""
