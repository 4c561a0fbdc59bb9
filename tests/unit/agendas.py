"""An agenda that is driven without a network and without waiting."""

from __future__ import annotations

from airflow_provider_layers.api.waits import Look, Sweep
from airflow_provider_layers.api.watching import Row
from tests.unit.watches import NOW, RUNNING, roll, watch

UNDER_WAY = Row("running", None, None)
OVER = Row("completed", "2026-04-18T12:00:00Z", None)


def begin(held, count, *, now=NOW, name="", **fields):
    """Begin to wait for many things of one list."""
    given = {"roll": roll()} | fields
    return [held.add(watch(f"{name}{number}", **given), now=now) for number in range(count)]


def sweep(held, now=NOW):
    task = held.take(now)
    assert isinstance(task, Sweep)
    return task


def look(held, now=NOW):
    task = held.take(now)
    assert isinstance(task, Look)
    return task


def show(held, rows, *, now=NOW, pages=1):
    """Let the next sweep show these rows; a number stands for so many that are under way."""
    found = {str(number): UNDER_WAY for number in range(rows)} if isinstance(rows, int) else rows
    list(held.swept(sweep(held, now), found, pages, now=now))


def next_sweep(held):
    """Look at what is due by itself until a list is to be read; give that sweep and its moment."""
    while True:
        now = held.next_moment()
        task = held.take(now)
        if isinstance(task, Sweep):
            return task, now
        held.looked(task, RUNNING, now=now)


def show_next(held, rows):
    """Let the next sweep show these rows, whenever it comes; give its moment."""
    swept, now = next_sweep(held)
    list(held.swept(swept, rows, 1, now=now))
    return now
