from dataclasses import fields, is_dataclass

from airflow_provider_layers.emulator import entities as models
from airflow_provider_layers.emulator.control_client import RecordedRequest
from airflow_provider_layers.emulator.ledger import Entry


def test_the_records_are_plain():
    records = [item for item in vars(models).values() if is_dataclass(item)]
    assert len(records) == 9
    for record in records:
        assert not [
            name for name in vars(record) if callable(getattr(record, name)) and not name.startswith("_")
        ]


def test_what_the_server_writes_down_is_what_the_client_reads():
    assert {field.name for field in fields(Entry)} == {field.name for field in fields(RecordedRequest)}
