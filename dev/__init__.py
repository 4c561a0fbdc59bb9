"""Developer tooling: a real Airflow on this machine, the demo and the playground."""
