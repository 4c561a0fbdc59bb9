"""What all sensors share: waiting in a worker or in the triggerer, and ``soft_fail`` alike in both."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
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
from airflow_provider_layers.task_context import (
    TRIGGER_FAILED,
    execution_deadline,
    min_deferral_seconds,
    try_start,
)
from airflow_provider_layers.triggers import ERROR, TIMEOUT

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.hooks.layers import LayersHook
    from airflow_provider_layers.triggers.base import LayersTrigger

TRIGGER_GRACE = 60.0
"""Seconds after the deadline in which a triggerer may still report, also one that took over from another;
then Airflow itself ends the deferral."""


class LayersSensor(BaseSensorOperator):
    """
    A sensor with a Layers connection.

    Rate limits, server errors and lost connections never fail it, deferred or not; ``timeout``,
    ``execution_timeout`` and permanent errors do. While deferred, both timeouts count from the start of the
    try and are followed by a last read; ``execution_timeout`` leaves Airflow's retries on.

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
        layers_conn_id: str = "layers_default",
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
        # Every DAG file imports this module, and needs no HTTP client.
        from airflow_provider_layers.hooks.layers import LayersHook

        return LayersHook(self.layers_conn_id)

    def announce(self, context: Context) -> None:
        """Publish links and UI data before the first poll; wrong parameters are refused here."""

    @abstractmethod
    def check(self, context: Context) -> PokeReturnValue:
        """
        Read the state once.

        :raises LayersError: it ended badly, or cannot be read
        """

    def may_have_ended(self, context: Context) -> bool:
        """Return whether a read before the deferral can find the end."""
        return True

    def prepare_trigger(self, context: Context) -> None:
        """Look up, before a deferral, what lets the trigger share list reads with others."""

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
                return self._wait_in_worker(context)
            if self.may_have_ended(context):
                state = self.poke(context)
                if state.is_done:
                    return state.xcom_value
            return self._defer(context, self._deadline(context))

    def _wait_in_worker(self, context: Context) -> Any:
        try:
            return super().execute(context)
        except AirflowTaskTimeout:
            # Airflow's timer has interrupted a pause; nothing limits this read but its own timeout.
            self.layers_hook = self.layers_hook.with_short_timeout()
            state = self.poke(context)
            if state.is_done:
                return state.xcom_value
            raise

    def poke(self, context: Context) -> PokeReturnValue:
        """Read the state once; after a transient error it is unknown, and the sensor continues."""
        try:
            return self.check(context)
        except (LayersTransportError, LayersRateLimitError, LayersServerError) as error:
            self.log.warning("%s The sensor continues.", error)
            return PokeReturnValue(is_done=False)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; a wait that Airflow itself ended, since no trigger did, is read once more as well."""
        if next_method == TRIGGER_FAILED and self._now() >= (deadline := self._deadline(context)):
            reason = f"{self.subject} was not reported by a triggerer before the deadline."
            event = {**self._event_subject(), "status": TIMEOUT, "reason": reason}
            return self.execute_complete(context, event, deadline)
        return super().resume_execution(next_method, next_kwargs, context)

    def execute_complete(self, context: Context, event: dict[str, Any], deadline: float | None = None) -> Any:
        """
        Resume after the wait: read the state, since the event is only a hint.

        :param event: of the trigger
        :param deadline: of the wait; ``dag.test()`` and releases before this argument pass none
        """
        with self.skip_on_soft_fail():
            subject = self._event_subject()
            # On SQLite, Airflow reuses the number of an ended trigger and delivers its late event.
            is_own = isinstance(event, dict) and all(event.get(name) == subject[name] for name in subject)
            state = self.check_resumed(context, event) if is_own else self.poke(context)
            if state.is_done:
                return state.xcom_value
            status, reason = (event["status"], event["reason"]) if is_own else ("", "")
            if deadline is None:
                deadline = event["deadline"] if is_own else self._deadline(context)
            if status == TIMEOUT:
                self._time_out(reason)
            if status == ERROR and not event.get("is_transient"):
                raise LayersTransportError(f"{self.subject} could not be polled: {reason}")
            if is_own:
                self.log.info("%s is unfinished; deferring again. %s", self.subject, reason)
            else:
                self.log.warning("Ignoring an event of another task; deferring again: %s", event)
            return self._defer(context, deadline)

    def check_resumed(self, context: Context, event: dict[str, Any]) -> PokeReturnValue:
        """
        Read the state once after the wait.

        :param event: of the trigger of this wait
        """
        return self.poke(context)

    def _event_subject(self) -> dict[str, Any]:
        return self.trigger(deadline=0.0, not_before=0.0).subject()

    def _deadline(self, context: Context) -> float:
        """Return the deadline of this try: of ``timeout`` or ``execution_timeout``, whichever is first."""
        now = self._now()
        deadline, of_execution = (
            try_start(context, now=now) + self.timeout,
            execution_deadline(context, now=now),
        )
        return deadline if of_execution is None else min(deadline, of_execution)

    def _time_out(self, reason: str) -> NoReturn:
        # As elsewhere in Airflow, a sensor's own timeout stops the retries, and this one leaves them on.
        if self.execution_timeout is not None and self.execution_timeout.total_seconds() <= self.timeout:
            raise AirflowTaskTimeout(f"{reason} execution_timeout = {self.execution_timeout}.")
        raise AirflowSensorTimeout(reason)

    def _defer(self, context: Context, deadline: float) -> None:
        self.prepare_trigger(context)
        now = self._now()
        trigger = self.trigger(deadline=deadline, not_before=now + min_deferral_seconds())
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"deadline": deadline},
            timeout=timedelta(seconds=max(0.0, deadline - now) + TRIGGER_GRACE),
        )

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
        except (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout, LayersError) as error:
            is_permanent = isinstance(error, (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout))
            if self.never_fail or (self.soft_fail and is_permanent):
                option = "never_fail" if self.never_fail else "soft_fail"
                raise AirflowSkipException(f"Skipping due to {option} is set to True.") from error
            raise
