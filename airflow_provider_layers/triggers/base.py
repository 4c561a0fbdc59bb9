"""What all triggers share: they subscribe to the watcher of their connection, and yield one small event."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import AsyncIterator
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_layers.exceptions import LayersError, LayersPermanentError, LayersTimeoutError
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.polling.intervals import PollInterval
from airflow_provider_layers.triggers import ERROR, TIMEOUT

if TYPE_CHECKING:
    from airflow_provider_layers.polling.targets import PollTarget
    from airflow_provider_layers.polling.watcher import Watcher

MAX_FAILURES = 7
"""Exceptions in a row, other than the API's errors, that end a wait, over about 25 s: the connection
comes from Airflow's database or API server, which may be restarting. A bug persists."""


class LayersTrigger(BaseTrigger):
    """
    Fire once: when the wait is over, the deadline has passed, or the state cannot be read.

    The event says only what happened; the task reads the state itself when it resumes. Its ``status`` is that
    of the target, ``timeout`` or ``error``, with a ``reason``. Every argument of a trigger has a default, so
    that deferred tasks survive an upgrade.

    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two polls, in seconds
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

    @cached_property
    def layers_hook(self) -> LayersHook:
        """The hook; its client and watcher are shared by all triggers of the connection."""
        return LayersHook(self.layers_conn_id)

    @staticmethod
    def is_notified_of_kills() -> bool:
        """Return whether this Airflow calls ``on_kill`` when a user ends a deferred task: from 3.3 on."""
        return hasattr(BaseTrigger, "on_kill")

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, as Airflow stores them."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in names}

    @abstractmethod
    def subject(self) -> dict[str, Any]:
        """Return what is waited for; an event that names something else belongs to another task."""

    def details(self) -> dict[str, Any]:
        """Return further fields of the event."""
        return {}

    def reason(self) -> str:
        """Return why the status is what it is, where that needs words."""
        return ""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield the event."""
        outcome = await self._outcome()
        clock = self.layers_hook.clock
        remaining = self.not_before - clock.time()
        if remaining > 0:
            await clock.asleep(remaining)
        yield TriggerEvent({**self.subject(), **self.details(), **outcome, "deadline": self.deadline})

    async def _outcome(self) -> dict[str, Any]:
        for failures in count(1):
            try:
                async with self.layers_hook.shared_client() as shared:
                    return {"status": await self.wait_for_status(shared.watcher), "reason": self.reason()}
            except LayersTimeoutError as error:
                return {"status": TIMEOUT, "reason": str(error)}
            except LayersError as error:
                is_transient = not isinstance(error, LayersPermanentError)
                return {"status": ERROR, "reason": str(error), "is_transient": is_transient}
            except Exception as error:
                # Airflow drops type and text of what a trigger raises, so the event carries them.
                self.log.exception("Waiting for %s failed.", self.subject())
                if failures == MAX_FAILURES:
                    reason = f"{type(error).__name__} in the triggerer; its log has the traceback."
                    return {"status": ERROR, "reason": reason, "is_transient": False}
            await self.layers_hook.clock.asleep(PollInterval().pause(failures, jitter=0.0))
        raise AssertionError("unreachable")

    @abstractmethod
    async def wait_for_status(self, watcher: Watcher) -> str:
        """Wait, and return the status of the event."""


class LayersPollTrigger(LayersTrigger):
    """Wait until one target has finished."""

    @abstractmethod
    def poll_target(self) -> PollTarget[Any]:
        """Return what to wait for."""

    @abstractmethod
    def status_of(self, result: Any) -> str:
        """Return the status of the event from the last result of the target."""

    async def wait_for_status(self, watcher: Watcher) -> str:
        """Wait until the target has finished, and return the status of the event."""
        return self.status_of(await watcher.wait(self.poll_target()))
