"""Apache Airflow provider for the Layers Partner API."""

__version__ = "0.1.0"
