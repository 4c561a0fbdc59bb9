"""What all sensors share: waiting in a worker or in the triggerer, and failing softly in both."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_layers.exceptions import (
    LayersError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
)
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.task import earliest_event, stops_retries

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.triggers.base import LayersTrigger


class LayersSensor(BaseSensorOperator):
    """
    A sensor with a Layers connection.

    Rate limits, server errors and lost connections never fail it; the deadline and permanent errors do.

    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two looks, in seconds; while deferred the longest one
    :param kwargs: ``timeout`` (seconds), ``mode``, ``soft_fail`` and the other arguments of sensors
    """

    template_fields: Sequence[str] = ("layers_conn_id",)
    ui_color = "#d9d2ff"

    def __init__(
        self,
        *,
        layers_conn_id: str = LayersHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.layers_conn_id = layers_conn_id
        self.deferrable = deferrable

    @cached_property
    def layers_hook(self) -> LayersHook:
        """The hook, made once the connection id is rendered."""
        return LayersHook(self.layers_conn_id)

    @abstractmethod
    def look(self, context: Context) -> PokeReturnValue:
        """
        Look once.

        :raises LayersError: it has ended badly, or cannot be read
        """

    @abstractmethod
    def trigger(self, *, deadline: float, not_before: float) -> LayersTrigger:
        """Make the trigger that waits in its place, both moments in seconds since the epoch."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it waits for, in words."""

    def execute(self, context: Context) -> Any:
        """Wait in the way that was asked for."""
        with self.softly():
            if not self.deferrable:
                return super().execute(context)
            seen = self.poke(context)
        return seen.xcom_value if seen.is_done else self.wait_in_triggerer(time.time() + self.timeout)

    @stops_retries
    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; errors that can pass are as good as seeing nothing yet."""
        try:
            return self.look(context)
        except (LayersTransportError, LayersRateLimitError, LayersServerError) as error:
            self.log.warning("%s Waiting goes on.", error)
            return PokeReturnValue(is_done=False)

    def wait_in_triggerer(self, deadline: float) -> None:
        """
        Defer.

        :param deadline: seconds since the epoch
        """
        self.defer(
            trigger=self.trigger(deadline=deadline, not_before=time.time() + earliest_event()),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Resume after the wait: look again, since the event is only a hint.

        :param event: of the trigger
        """
        with self.softly():
            return self._complete(context, event)

    @stops_retries
    def _complete(self, context: Context, event: dict[str, Any]) -> Any:
        seen = self.look(context)
        if seen.is_done:
            return seen.xcom_value
        mine = self.trigger(deadline=0.0, not_before=0.0).subject()
        if not isinstance(event, dict) or any(event.get(name) != value for name, value in mine.items()):
            # On SQLite Airflow gives the number of an ended trigger to the next one, and its events too.
            self.log.warning("An event of another task was delivered to this one, which waits on: %s", event)
            return self.wait_in_triggerer(time.time() + self.timeout)
        if event["status"] == "timeout":
            raise AirflowSensorTimeout(event["reason"])
        if event["status"] == "error":
            raise LayersTransportError(f"{self.subject} could not be watched: {event['reason']}")
        self.log.info("%s is not there any more: waiting goes on.", self.subject)
        return self.wait_in_triggerer(event["deadline"])

    @contextmanager
    def softly(self) -> Iterator[None]:
        """
        Skip instead of failing, in the same cases in every mode; on passing errors only with ``never_fail``.

        Airflow's own rules differ between its releases, and between a sensor that pokes and one that defers.
        """
        try:
            yield
        except (AirflowFailException, AirflowSensorTimeout, LayersError) as error:
            if self.never_fail or (self.soft_fail and not isinstance(error, LayersError)):
                name = "never_fail" if self.never_fail else "soft_fail"
                raise AirflowSkipException(f"Skipping due to {name} is set to True.") from error
            raise
