"""The tables at the end of a demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dev.console import Screen
    from dev.pipeline import Outcome


def show(outcome: Outcome, screen: Screen) -> None:
    """Print what a run has brought about.

    :param outcome: what it has brought about
    :param screen: where it is shown
    """
    screen.title("Tasks")
    screen.table(
        ("task", "state", "tries", "waited"),
        [
            (task.label, task.state, str(task.try_number), _waited(outcome, task.label))
            for task in sorted(outcome.run.tasks, key=lambda task: _turn(outcome, task.label))
        ],
    )
    screen.title("Jobs and their containers")
    screen.table(
        ("job", "kind", "status", "container"),
        [
            (job.job_id, job.kind, job.status, container)
            for job in outcome.jobs
            for container in job.container_ids
        ],
    )
    screen.title("Scheduled posts")
    screen.table(
        ("post", "container", "on", "status", "at"), [_post_cells(post) for post in reversed(outcome.posts)]
    )
    screen.title("Pictures")
    screen.table(
        ("container", "address"),
        [(container, url) for container, urls in outcome.pictures.items() for url in urls],
    )


def _turn(outcome: Outcome, label: str) -> int:
    began = list(outcome.seen)
    return began.index(label) if label in began else len(began)


def _waited(outcome: Outcome, label: str) -> str:
    return "deferred" if label in outcome.waited_deferred else ""


def _post_cells(post: dict[str, Any]) -> tuple[str, str, str, str, str]:
    return post["id"], post["containerId"], post["platform"], post["status"], post["scheduledFor"]


def verdict(found: list[str], screen: Screen) -> int:
    """Print whether all went well, and return the exit code.

    :param found: what is not as it should be
    :param screen: where it is shown
    """
    if not found:
        screen.title(f"All as it should be, in {screen.seconds:.0f} s.")
        return 0
    screen.title("Not as it should be:")
    print("\n".join(f"  - {complaint}" for complaint in found))
    return 1
