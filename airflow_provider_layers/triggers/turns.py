"""Waiting in the triggerer for the turn to send a request that the API refused for its rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.polling.rate_limits import START
from airflow_provider_layers.polling.turns import Refusal
from airflow_provider_layers.triggers.base import LayersTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.polling.watcher import Watcher


class LayersTurnTrigger(LayersTrigger):
    """
    Fire once when it is the task's turn to send its request, or the deadline has passed.

    The event is ``{"route_class", "arrived_at", "requests", "status", "reason", "deadline"}``, where
    ``status`` is ``turn``, ``timeout`` or ``error``, and ``requests`` how many will be accepted now.

    :param route_class: the API's class of the request, see ``operational/rate-limits``
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param not_before: seconds since the epoch before which it must not fire
    :param arrived_at: when the task first wanted to send, in seconds since the epoch: its place in the queue
    :param requests: how many requests the task has to send; it is woken for a minute's at a time, so that
        a task with hundreds does not resume for each
    :param refused_at: when the request was last refused, in seconds since the epoch; 0 if it was not sent
    :param retry_after: seconds that the API asked to wait then
    :param after_turn: whether that request had waited for its turn
    """

    def __init__(
        self,
        route_class: str = START,
        layers_conn_id: str = "layers_default",
        deadline: float = 0.0,
        not_before: float = 0.0,
        arrived_at: float = 0.0,
        requests: int = 1,
        refused_at: float = 0.0,
        retry_after: float = 0.0,
        after_turn: bool = False,
    ) -> None:
        super().__init__(layers_conn_id, deadline, not_before=not_before)
        self.route_class = route_class
        self.arrived_at = arrived_at
        self.requests = requests
        self._granted = 0
        self.refused_at = refused_at
        self.retry_after = retry_after
        self.after_turn = after_turn

    def subject(self) -> dict[str, Any]:
        """Return the class of the request and the task's place in the queue."""
        return {"route_class": self.route_class, "arrived_at": self.arrived_at}

    def details(self) -> dict[str, Any]:
        """Return how many requests will be accepted."""
        return {"requests": self._granted}

    async def wait_for_status(self, watcher: Watcher) -> str:
        """Wait for the turn."""
        clock, queue = self.layers_hook.clock, watcher.turns(self.route_class)
        if self.refused_at:
            queue.slow_down(Refusal(self.refused_at, self.retry_after, self.after_turn))
        # Not in the queue before it may fire: its turn would pass unused.
        await clock.asleep(max(0.0, self.not_before - clock.time()))
        self.log.info("Waiting for the turn to start, about %d ahead.", queue.ahead_of(self.arrived_at))
        while self._granted < min(self.requests, queue.per_minute):
            await queue.wait(arrived_at=self.arrived_at, deadline=self.deadline)
            self._granted += 1
        return "turn"
