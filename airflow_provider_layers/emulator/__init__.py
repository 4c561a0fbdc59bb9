"""The Layers Partner API, emulated on this machine.

It shares no code with the provider: an emulator that borrowed the client's spelling could not catch its
mistakes. ``docs/emulator.md`` lists what the vendor's pages leave open, and what was chosen here.
"""

from __future__ import annotations

try:
    from airflow_provider_layers.emulator.server import Emulator
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in ("starlette", "uvicorn", "h11"):
        raise
    raise ModuleNotFoundError(
        f"The emulator needs {error.name}: pip install 'airflow-provider-layers[emulator]'", name=error.name
    ) from error
from airflow_provider_layers.emulator.control_client import CreatedJob, EmulatorControl, RecordedRequest

__all__ = ["CreatedJob", "Emulator", "EmulatorControl", "RecordedRequest"]
