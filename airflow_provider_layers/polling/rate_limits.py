"""How many requests a minute may be sent with a key. Pure arithmetic."""

from __future__ import annotations

READ = "read-light"
WRITE = "write-light"
START = "long-running"
"""The API's classes of routes: every GET; PATCH, DELETE and POSTs that are carried out at once, such as
approve; POSTs that start a job. Each class has its own limit."""

REQUESTS_PER_MINUTE = {
    "standard": {READ: 120, WRITE: 60, START: 20},
    "pilot": {READ: 1_200, WRITE: 600, START: 60},
    "partner": {READ: 6_000, WRITE: 3_000, START: 300},
}
"""What the API allows a key of each tier (``operational/rate-limits``)."""

SMALLEST_TIER = "standard"

POLLING_SHARE = 0.9
"""Share of a tier's reads that polling may use; the rest is for workers and other users of the key."""

TURN_SHARE = 0.95
"""Share of a tier's starts and writes that waiting tasks may use; the rest is for other users of the key."""

BURST_SHARE = 0.1
"""Share of a minute's requests that may be sent at once after idle time. The rest is spread evenly, so that
many waits that start together are served within seconds and later ones still find room."""

DECREASE_FACTOR = 0.7
DECREASE_SECONDS = 10.0
RECOVERY_SHARE = 0.05
FLOOR_SHARE = 0.05
"""After a 429 the rate falls to 0.7 of what it was, at most once in ten seconds, because the refusals of
requests that were sent together are one event. It recovers by a twentieth of the limit a minute and does not
fall below a twentieth. Several clients of one key that fall by a factor and rise by a step converge to equal
shares."""

TURN_RECOVERY_SHARE = 0.25
"""By how much turns recover instead. Their refusals may come from the cap on running jobs, which ends with a
job: the rate has to be back soon after, and a start that is refused costs no more than a request."""


def requests_per_minute(tier: str, route_class: str) -> int:
    """
    Return the API's limit.

    :param tier: as ``whoami`` names it; an unknown one counts as the smallest
    :param route_class: ``READ``, ``WRITE`` or ``START``
    """
    return REQUESTS_PER_MINUTE.get(tier, REQUESTS_PER_MINUTE[SMALLEST_TIER])[route_class]


def polling_limit(tier: str) -> float:
    """Return the reads a minute that polling may use."""
    return POLLING_SHARE * requests_per_minute(tier, READ)


def turn_limit(tier: str, route_class: str) -> float:
    """Return the requests of a class a minute that waiting tasks may send."""
    return TURN_SHARE * requests_per_minute(tier, route_class)


class TokenBucket:
    """
    Allows at most ``per_minute`` requests in any 60 seconds, and fewer for a while after a refusal.

    Time is an argument, in seconds from any origin. It is counted in durations: a clock that is set back
    neither adds tokens nor lengthens a block.

    :param per_minute: most requests in any minute; also the limit that the rate recovers to
    :param burst: how many of these may be sent at once after idle time; ``None`` for a tenth
    :param recovery_share: share of the limit by which a rate that has fallen recovers in a minute
    """

    def __init__(
        self,
        per_minute: float,
        *,
        burst: float | None = None,
        recovery_share: float = RECOVERY_SHARE,
        now: float,
    ) -> None:
        self._recovery_share = recovery_share
        self.limit = per_minute
        self.per_minute = per_minute
        self._burst_share = BURST_SHARE if burst is None else min(1.0, burst / per_minute)
        self._tokens = self._capacity
        self._blocked_for = 0.0
        self._steady_for = 0.0
        self._updated_at = now

    @property
    def _capacity(self) -> float:
        return max(1.0, self.per_minute * self._burst_share)

    @property
    def _refill(self) -> float:
        # With a full bucket at its start, a minute has the burst and what is refilled until its last request.
        return self.per_minute - self._capacity + 1.0

    def set_limit(self, per_minute: float) -> None:
        """Change the limit; a rate that has fallen stays at the same share of it."""
        self.per_minute *= per_minute / self.limit
        self.limit = per_minute

    def try_take(self, now: float) -> bool:
        """Take the right to send one request, if there is one."""
        # Floating point leaves a token that was waited for a little short.
        if self.delay(now) > 1e-6:
            return False
        self._tokens -= 1.0
        return True

    def delay(self, now: float) -> float:
        """Return the seconds until a request may be sent."""
        self._advance(now)
        return max(max(0.0, 1.0 - self._tokens) * 60.0 / self._refill, self._blocked_for)

    def blocked_for(self, now: float) -> float:
        """Return the seconds for which the API asked not to be called."""
        self._advance(now)
        return self._blocked_for

    def refused(self, retry_after: float, *, now: float) -> None:
        """
        Record a 429.

        :param retry_after: seconds that the API asked to wait
        """
        self.block(retry_after, now=now)
        self._tokens = min(self._tokens, 0.0)
        if self._steady_for <= 0:
            self.per_minute = max(self.limit * FLOOR_SHARE, self.per_minute * DECREASE_FACTOR)
            self._steady_for = max(retry_after, DECREASE_SECONDS)

    def block(self, seconds: float, *, now: float) -> None:
        """Send nothing for so long, at the same rate afterwards."""
        self._advance(now)
        self._blocked_for = max(self._blocked_for, seconds)

    def _advance(self, now: float) -> None:
        elapsed = max(0.0, now - self._updated_at)
        self._updated_at = now
        self._tokens = min(self._capacity, self._tokens + elapsed / 60.0 * self._refill)
        self._blocked_for = max(0.0, self._blocked_for - elapsed)
        recovering = max(0.0, elapsed - self._steady_for)
        self._steady_for = max(0.0, self._steady_for - elapsed)
        self.per_minute = min(
            self.limit, self.per_minute + recovering / 60.0 * self._recovery_share * self.limit
        )
