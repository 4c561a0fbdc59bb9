"""What all triggers share: they subscribe to the watcher of their connection, and own nothing else."""

from __future__ import annotations

import asyncio
import inspect
import time
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_layers.exceptions import LayersError, LayersTimeoutError

if TYPE_CHECKING:
    from airflow_provider_layers.api.watching import Watch

TIMEOUT = "timeout"
ERROR = "error"


class LayersTrigger(BaseTrigger):
    """
    Fire once: when what is waited for has ended, the deadline has passed, or waiting has become useless.

    The event is small and says only what happened; the task looks for itself when it resumes. Its ``status``
    is that of the thing, ``timeout`` or ``error``, with a ``reason``. Every argument of a trigger has a
    default, so that waits survive an upgrade.

    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two looks, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    """

    def __init__(
        self,
        layers_conn_id: str = "layers_default",
        deadline: float = 0.0,
        poll_interval: float = 10.0,
        not_before: float = 0.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers_conn_id = layers_conn_id
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.not_before = not_before

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what another triggerer needs to go on."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in names}

    @abstractmethod
    def watch(self) -> Watch[Any]:
        """Say what to wait for."""

    @abstractmethod
    def status_of(self, result: Any) -> str:
        """Give the status of the event from what was seen last."""

    @abstractmethod
    def subject(self) -> dict[str, Any]:
        """Name what is waited for; an event that names something else belongs to another task."""

    def details(self) -> dict[str, Any]:
        """Give what else the event says."""
        return {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield the one event."""
        status, reason = await self._outcome()
        early = self.not_before - time.time()
        if early > 0:
            await asyncio.sleep(early)
        said = {"status": status, "reason": reason, "deadline": self.deadline}
        yield TriggerEvent({**self.subject(), **self.details(), **said})

    async def _outcome(self) -> tuple[str, str]:
        from airflow_provider_layers.hooks.layers import LayersHook

        try:
            async with LayersHook(self.layers_conn_id).lease() as shared:
                return self.status_of(await shared.watcher.wait(self.watch())), ""
        except LayersTimeoutError as error:
            return TIMEOUT, str(error)
        except LayersError as error:
            return ERROR, str(error)
        except Exception as error:
            # Airflow drops the type and text of what a trigger raises, so it goes into the event instead.
            self.log.exception("Waiting for %s failed.", self.subject())
            return ERROR, f"{type(error).__name__} in the triggerer; its log has the traceback."
