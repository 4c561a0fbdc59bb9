"""What a person does on the page on which Airflow asks for a decision, "Required Actions"."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from dev.airflow_client import FINISHED, UNMAPPED, AirflowError

if TYPE_CHECKING:
    from collections.abc import Collection

    from playwright.sync_api import Locator, Page
    from typing_extensions import Self

    from dev.airflow_client import Driver, TaskRow

# Before Airflow 3.3 a task that waits for a person is deferred.
ASKING = frozenset({"awaiting_input", "deferred"})


@dataclass(frozen=True)
class Picture:
    """A picture of the question, as the browser shows it.

    :param url: its address
    :param words: what is said in its place to those who cannot see it
    :param width: of the picture itself; 0 if it could not be loaded
    :param shown: width and height on the page
    """

    url: str
    words: str
    width: int
    shown: tuple[int, int]


def task_page(dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED, tab: str = "") -> str:
    """Give the path of a page about a task instance.

    :param dag_id: the DAG
    :param run_id: the run
    :param task_id: the task
    :param map_index: its place in a mapped task
    :param tab: last part of the path; the logs if there is none
    """
    mapped = "" if map_index == UNMAPPED else f"/mapped/{map_index}"
    return f"/dags/{dag_id}/runs/{quote(run_id, safe='')}/tasks/{task_id}{mapped}/{tab}".rstrip("/")


def wait_for_task(
    driver: Driver,
    dag_id: str,
    run_id: str,
    label: str,
    states: Collection[str] = ASKING,
    *,
    try_number: int = 1,
    timeout: float = 90.0,
) -> TaskRow:
    """Wait until a task instance asks, or has come to another state, and return it.

    :param driver: the Airflow to ask
    :param dag_id: the DAG
    :param run_id: the run
    :param label: the task, with its map index if it has one
    :param states: any of them will do
    :param try_number: the first try that will do
    :param timeout: seconds
    """
    deadline = time.monotonic() + timeout
    while True:
        over = driver.run_state(dag_id, run_id) in FINISHED or time.monotonic() > deadline
        rows = {row.label: row for row in driver.task_rows(dag_id, run_id)}
        row = rows.get(label)
        if row and row.state in states and row.try_number >= try_number:
            return row
        if over:
            found = ", ".join(f"{name}: {one.state}" for name, one in sorted(rows.items()))
            raise AirflowError(f"{label} of {dag_id} has not come to {', '.join(states)} ({found})")
        time.sleep(0.2)


class Reviewer:
    """A person who has logged in and answers questions.

    :param page: an open page of the browser
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> Self:
        """Go to the question of a task instance, and wait until it is there.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: its place in a mapped task
        """
        self.page.goto(task_page(dag_id, run_id, task_id, map_index, "required_actions"))
        self.buttons.first.wait_for()
        # The form has no fields before the first paint.
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        return self

    @property
    def buttons(self) -> Locator:
        """The options. Airflow shows buttons for up to four of which one is to be chosen."""
        return self.page.locator('[data-testid^="hitl-option-"]')

    @property
    def options(self) -> list[str]:
        """The options that can be chosen now."""
        return [button.inner_text() for button in self.buttons.all() if button.is_enabled()]

    @property
    def question(self) -> Locator:
        """The whole question: subject, body, form and buttons."""
        return self.page.locator("footer", has=self.buttons).locator("xpath=..")

    @property
    def subject(self) -> str:
        """The headline."""
        return self.question.locator("p").first.inner_text()

    @property
    def text(self) -> str:
        """All that there is to read."""
        return self.question.inner_text()

    def pictures(self) -> list[Picture]:
        """Wait until every picture has been loaded or given up, and return them."""
        self.page.wait_for_function(
            "question => [...question.querySelectorAll('img')].every(e => e.complete)",
            arg=self.question.element_handle(),
        )
        found = self.question.locator("img").evaluate_all(
            "all => all.map(e => [e.src, e.alt, e.naturalWidth, e.width, e.height])"
        )
        return [Picture(url, words, wide, (width, height)) for url, words, wide, width, height in found]

    @property
    def fields(self) -> list[str]:
        """The names of the form's fields that can be seen."""
        inputs = self.question.locator('[name^="element_"]:not([type="hidden"])')
        names = inputs.evaluate_all("all => all.map(e => e.name)")
        return [str(name).removeprefix("element_") for name in names]

    def field(self, name: str) -> Locator:
        """Find a field of the form. Airflow ties no label to a text field, so it goes by the param's name.

        :param name: the param
        """
        return self.question.locator(f'[name="element_{name}"]')

    def fill(self, name: str, text: str) -> Self:
        """Write into a field, as far as it lets one write.

        :param name: the param
        :param text: what to write; a line for each item where it takes several
        """
        self.field(name).fill(text)
        return self

    def switch(self, name: str) -> Self:
        """Turn a switch on or off.

        :param name: the param
        """
        self.question.locator(f'[id="switch:element_{name}"]').click()
        return self

    def choose(self, option: str) -> None:
        """Click an option, and wait until Airflow has taken the answer.

        :param option: as it is on the button
        :raises AirflowError: Airflow refused it
        """
        with self.page.expect_response(
            lambda one: one.request.method == "PATCH" and one.url.endswith("/hitlDetails")
        ) as answered:
            self.page.get_by_test_id(f"hitl-option-{option}").click()
        if not answered.value.ok:
            raise AirflowError(f"{option} was answered {answered.value.status}: {answered.value.text()}")

    def wait_for(self, text: str) -> Self:
        """Wait until the page, which refreshes itself, says something.

        :param text: what it is to say
        """
        self.page.get_by_text(text).first.wait_for()
        return self
