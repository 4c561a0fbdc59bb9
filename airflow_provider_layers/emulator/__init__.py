"""The Layers Partner API, played on this machine.

It shares nothing with the provider's client: a fake that borrows the client's spelling cannot catch it
misspelling. What the vendor's pages leave open, and how it was chosen here, is in ``docs/emulator.md``.
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
