"""Operators whose requests have a limit: what the API refuses for it waits its turn and is not a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, conf

from airflow_provider_layers.api.endpoint import retry_after_of
from airflow_provider_layers.exceptions import LayersRateLimitError, LayersTimeoutError
from airflow_provider_layers.idempotency import raise_rate_limit
from airflow_provider_layers.operators.base import LayersOperator
from airflow_provider_layers.polling.rate_limits import WRITE
from airflow_provider_layers.task_context import execution_deadline, min_deferral_seconds

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint

T = TypeVar("T")

FIRST_PAUSE = 2.0
MAX_PAUSE = 60.0
"""Seconds before a worker sends a refused request again, doubled each time up to the longest. They are spread
by half, because many workers are refused together, and ``Retry-After`` comes on top."""


@dataclass(frozen=True)
class Turn:
    """
    The wait of a task for its turn.

    :param arrived_at: when it first wanted to send, in seconds since the epoch
    :param deadline: when it gives up, in seconds since the epoch
    :param requests: how many requests will be accepted now, as far as the triggerer knows
    """

    arrived_at: float
    deadline: float
    requests: int = 0


class LayersLimitedOperator(LayersOperator):
    """
    An operator whose requests wait their turn when the API refuses them with a 429.

    A refused request neither fails the task nor uses up a try. A task that may defer waits in the triggerer,
    which wakes one task after another at the rate that the key's tier allows (``operational/rate-limits``);
    another waits in its worker, with growing pauses. Either way ``execute`` finds what was sent before.

    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param start_timeout: seconds or ``timedelta`` for which a refused request waits its turn
    """

    route_class = WRITE

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        start_timeout: timedelta | float = timedelta(hours=6),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self.start_timeout = start_timeout
        self._turn: Turn | None = None

    def remaining_requests(self) -> int:
        """Return how many requests the task has still to send: it is woken for many at once."""
        return 1

    def send_in_turn(self, context: Context, send: Callable[[], T]) -> T:
        """
        Call a function that sends a request, again and again while the API refuses it for its rate limit.

        :raises LayersTimeoutError: it was refused for longer than ``start_timeout``
        """
        for refusals in count(1):
            try:
                result = send()
                break
            except LayersRateLimitError as error:
                self._await_turn(context, error, refusals)
        self._use_turn()
        return result

    def run_in_turn(self, context: Context, endpoint: Endpoint[T]) -> T:
        """Send the request of an endpoint in its turn, and return its result."""
        client = self.layers_hook.get_conn()
        return self.send_in_turn(
            context, lambda: client.send_with_retries(endpoint, on_failure=raise_rate_limit)
        )

    def resume_turn(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Execute again, now that it is the task's turn.

        :param event: see :class:`~airflow_provider_layers.triggers.turns.LayersTurnTrigger`
        """
        # Another event belongs to another task: on SQLite, Airflow reuses the number of an ended trigger.
        if isinstance(event, dict) and "arrived_at" in event:
            turn = Turn(event["arrived_at"], event["deadline"], event["requests"])
            if event["status"] == "timeout":
                raise self._turn_timeout(context, turn, event["reason"])
            self._turn = turn
        return self.execute(context)

    def defer_for_turn(self, context: Context, error: LayersRateLimitError | None = None) -> NoReturn:
        """
        Wait in the triggerer.

        :param error: the refusal; ``None`` if nothing was sent
        """
        from airflow_provider_layers.triggers.turns import LayersTurnTrigger

        now = self.layers_hook.clock.time()
        turn = self._turn or self._new_turn(context, now)
        self.log.info("Waiting for the turn to start in the triggerer. %s", error or "")
        trigger = LayersTurnTrigger(
            route_class=self.route_class,
            layers_conn_id=self.layers_conn_id,
            deadline=turn.deadline,
            not_before=now + min_deferral_seconds(),
            arrived_at=turn.arrived_at,
            requests=self.remaining_requests(),
            refused_at=now if error else 0.0,
            retry_after=retry_after_of(error) if error else 0.0,
            after_turn=turn.requests > 0,
        )
        self.defer(trigger=trigger, method_name="resume_turn")

    def _await_turn(self, context: Context, error: LayersRateLimitError, refusals: int) -> None:
        clock = self.layers_hook.clock
        now = clock.time()
        if self.deferrable:
            self.defer_for_turn(context, error)
        turn = self._turn = self._turn or self._new_turn(context, now)
        jitter = self.layers_hook.get_conn().jitter()
        pause = retry_after_of(error) + min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** (refusals - 1)) * (0.5 + jitter)
        if now + pause > turn.deadline:
            raise self._turn_timeout(context, turn, str(error)) from error
        self.log.info("Waiting %.0f s for the turn to start. %s", pause, error)
        clock.sleep(pause)

    def _use_turn(self) -> None:
        if self._turn is not None:
            self._turn = replace(self._turn, requests=max(0, self._turn.requests - 1))

    def _new_turn(self, context: Context, now: float) -> Turn:
        timeout = self.start_timeout
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
        deadlines = [now + seconds, execution_deadline(context, now=now)]
        return Turn(arrived_at=now, deadline=min(moment for moment in deadlines if moment is not None))

    def _turn_timeout(self, context: Context, turn: Turn, reason: str) -> BaseException:
        waited = turn.deadline - turn.arrived_at
        text = f"The request was refused for its rate limit for {waited:.0f} s, and not carried out. {reason}"
        if turn.deadline == execution_deadline(context, now=turn.arrived_at):
            return AirflowTaskTimeout(f"{text} This is the task's execution_timeout.")
        return LayersTimeoutError(f"{text} This is the task's start_timeout.")
