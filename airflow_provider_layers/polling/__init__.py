"""
How waiting works. Nothing here is a public interface: users meet it as sensors and deferrable operators.

A thousand deferred tasks that each poll their own job every few seconds would send tens of thousands of
requests a minute, and a key of the standard tier may send 120. So waits do not poll. They subscribe to a
*watcher*, and the watcher decides which single request is worth most at each moment.

**Targets** (:mod:`~airflow_provider_layers.polling.targets`). A ``PollTarget`` describes something to wait
for: the endpoint that reads it, what its result shows (an ``Observation``), its deadline, and the list of the
API in which it appears, if there is one. There is a function for each kind: jobs, approvals, scheduled posts,
rankings. ``ErrorTolerance`` says which errors a wait survives: those that pass on their own, however many; a
404 for 15 s, because a new job may not be visible yet; and nine undocumented responses in a row.

**Scheduler** (:mod:`~airflow_provider_layers.polling.scheduler`). The ``PollScheduler`` keeps a queue of
subscriptions by the moment at which each is due. If more subscriptions of one project are due than its list
has pages, it reads the list (a ``ListPoll``), otherwise the one target (a ``SinglePoll``). One list read
covers every subscription of the project, also those that are not due yet, so that a list is read once per
pause, however many wait. A list only ever raises a suspicion: what it no longer shows as unfinished is polled
on its own, and only that poll ends a wait. If that poll disagrees, the list says nothing about this target
until its row changes. A caller that reads the target itself after the wait, as sensors on jobs do, may be
content with less (``on_listed_end``): a row that was seen unfinished and no longer is, in a list that was
read to its end. If that was wrong, its next wait has seen no unfinished row yet, so that it is confirmed by
polls: a wrong list costs a deferral, and never a wrong result. A deadline is a poll as well, the last one.
The scheduler knows neither a clock nor a network: it is given the time, and tests drive it through hours in
milliseconds.

**Intervals** (:mod:`~airflow_provider_layers.polling.intervals`). Pauses follow the vendor's guidance, 2 s
growing by 1.3 up to the interval of the sensor or operator. The API's own expectation, the durations of
similar jobs, or the progress replace it where they are known: then polls are rare while the end is far, and
frequent around the likely end.

**Rate limits** (:mod:`~airflow_provider_layers.polling.rate_limits`). Every request takes a token from one
``TokenBucket``. Its limit is ``poll_budget_rpm`` of the connection, or nine tenths of what the key's tier
allows; the tier is looked up once the smallest limit has been reached. A 429 blocks all requests for its
``Retry-After`` and lowers the rate, which then recovers slowly: several triggerers with one key converge to
equal shares. If there are more waits than requests, all are late by about the same.

**Watcher** (:mod:`~airflow_provider_layers.polling.watcher`). The ``Watcher`` is one asyncio task that starts
what the scheduler returns, up to 16 requests at once, and hands results to the futures that callers of
``wait()`` await. ``shared_client()`` provides one HTTP client and one watcher for each connection and event
loop; the last trigger that leaves closes both. Triggers own neither sockets nor timers.

**Blocking waits** (:mod:`~airflow_provider_layers.polling.blocking`). A worker that waits without deferring
runs the same scheduler with one subscription, and sleeps in between.
"""
