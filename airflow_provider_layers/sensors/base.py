"""What all sensors share: waiting in a worker or in the triggerer, and ``soft_fail`` alike in both."""

from __future__ import annotations

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
from airflow_provider_layers.task_context import min_deferral_seconds

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.triggers.base import LayersTrigger


class LayersSensor(BaseSensorOperator):
    """
    A sensor with a Layers connection.

    Rate limits, server errors and lost connections never fail it; the timeout and permanent errors do.

    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two polls, in seconds; while deferred the longest pause
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
        """The hook, created once the connection id is rendered."""
        return LayersHook(self.layers_conn_id)

    def announce(self, context: Context) -> None:
        """Publish links and UI data before the first poll; wrong parameters are refused here."""

    @abstractmethod
    def check(self, context: Context) -> PokeReturnValue:
        """
        Read the state once.

        :raises LayersError: it ended badly, or cannot be read
        """

    @abstractmethod
    def trigger(self, *, deadline: float, not_before: float) -> LayersTrigger:
        """Return the trigger that waits instead, both moments in seconds since the epoch."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it waits for, in words."""

    def execute(self, context: Context) -> Any:
        """Wait in the worker, or defer."""
        with self.skip_on_soft_fail():
            self.announce(context)
            if not self.deferrable:
                return super().execute(context)
            state = self.poke(context)
        return state.xcom_value if state.is_done else self._defer(self._now() + self.timeout)

    def poke(self, context: Context) -> PokeReturnValue:
        """Read the state once; after a transient error it is unknown, and the sensor continues."""
        try:
            return self.check(context)
        except (LayersTransportError, LayersRateLimitError, LayersServerError) as error:
            self.log.warning("%s The sensor continues.", error)
            return PokeReturnValue(is_done=False)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Resume after the wait: read the state, since the event is only a hint.

        :param event: of the trigger
        """
        with self.skip_on_soft_fail():
            state = self.check(context)
            if state.is_done:
                return state.xcom_value
            subject = self.trigger(deadline=0.0, not_before=0.0).subject()
            if not isinstance(event, dict) or any(event.get(name) != subject[name] for name in subject):
                # On SQLite, Airflow reuses the number of an ended trigger and delivers its late event.
                self.log.warning("Ignoring an event of another task; deferring again: %s", event)
                return self._defer(self._now() + self.timeout)
            if event["status"] == "timeout":
                raise AirflowSensorTimeout(event["reason"])
            if event["status"] == "error":
                raise LayersTransportError(f"{self.subject} could not be polled: {event['reason']}")
            self.log.info("%s is unfinished again; deferring again.", self.subject)
            return self._defer(event["deadline"])

    def _defer(self, deadline: float) -> None:
        not_before = self._now() + min_deferral_seconds()
        trigger = self.trigger(deadline=deadline, not_before=not_before)
        self.defer(trigger=trigger, method_name="execute_complete")

    def _now(self) -> float:
        return self.layers_hook.clock.time()

    @contextmanager
    def skip_on_soft_fail(self) -> Iterator[None]:
        """
        Skip instead of failing, alike in every mode; for transient errors only with ``never_fail``.

        Airflow's own rules differ between its releases, and between a sensor that pokes and one that defers.
        """
        try:
            yield
        except (AirflowFailException, AirflowSensorTimeout, LayersError) as error:
            is_permanent = isinstance(error, (AirflowFailException, AirflowSensorTimeout))
            if self.never_fail or (self.soft_fail and is_permanent):
                option = "never_fail" if self.never_fail else "soft_fail"
                raise AirflowSkipException(f"Skipping due to {option} is set to True.") from error
            raise
