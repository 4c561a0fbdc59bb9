"""A run that waits for decisions, and a reviewer on the page where Airflow asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from dev.airflow_client import UNMAPPED, AirflowError, start_run, wait_for_task

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from typing_extensions import Self

    from airflow_provider_layers.emulator.control_client import EmulatorControl
    from dev.local_airflow import LocalAirflow

DAG_ID, TASK_ID = "example_layers_review", "review"


def task_page(dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED, tab: str = "") -> str:
    """Return the path of a task instance's page.

    :param dag_id: id of the DAG
    :param run_id: id of the run
    :param task_id: id of the task
    :param map_index: index in a mapped task
    :param tab: last part of the path; the logs by default
    """
    mapped = "" if map_index == UNMAPPED else f"/mapped/{map_index}"
    return f"/dags/{dag_id}/runs/{quote(run_id, safe='')}/tasks/{task_id}{mapped}/{tab}".rstrip("/")


@dataclass(frozen=True)
class ReviewRun:
    """A run of the review example whose reviews wait for decisions.

    :param run_id: id of the run
    :param container_ids: the reviewed containers, in the order of the mapped task
    """

    run_id: str
    container_ids: list[str]

    def page(self, map_index: int) -> str:
        """Return the path of the page with a review."""
        return task_page(DAG_ID, self.run_id, TASK_ID, map_index, "required_actions")


def start_reviews(airflow: LocalAirflow, emulator: EmulatorControl, job_seconds: float) -> ReviewRun:
    """Run the review example until each of its reviews waits for a decision.

    :param airflow: the Airflow
    :param emulator: the API that it is connected to; its default project reviews all new content from now on
    :param job_seconds: how far the emulator's clock is moved when the generation waits for its job
    """
    emulator.configure(review_policy="review_all")
    conf = {"project_id": emulator.project_id, "social_account_id": emulator.social_account_ids[0]}
    run_id = start_run(airflow.client, DAG_ID, conf)
    airflow.wait_until_deferred(DAG_ID, run_id, "generate")
    emulator.advance(job_seconds)
    wait_for_task(airflow.client, DAG_ID, run_id, "generate", {"success"})
    container_ids = list(airflow.client.xcoms(DAG_ID, run_id, "generate")["container_ids"])
    labels = [f"{TASK_ID}[{index}]" for index in range(len(container_ids))]
    airflow.wait_until_deferred(DAG_ID, run_id, *labels)
    return ReviewRun(run_id, container_ids)


@dataclass(frozen=True)
class Picture:
    """A picture of the question as the browser shows it.

    :param url: its URL
    :param alt: its alternative text
    :param natural_width: width of the file in pixels; 0 if it could not be loaded
    :param size: width and height on the page
    """

    url: str
    alt: str
    natural_width: int
    size: tuple[int, int]


class Reviewer:
    """A user who is logged in and decides.

    :param page: an open page of the browser
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> Self:
        """Open the question of a task instance and wait until it is shown."""
        self.page.goto(task_page(dag_id, run_id, task_id, map_index, "required_actions"))
        self.buttons.first.wait_for()
        # The form has no fields before the first paint.
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        return self

    @property
    def buttons(self) -> Locator:
        """The options. Airflow shows buttons if there are at most four and only one can be chosen."""
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
        """The whole text."""
        return self.question.inner_text()

    def pictures(self) -> list[Picture]:
        """Wait until every picture is loaded or has failed to load, and return them."""
        self.page.wait_for_function(
            "question => [...question.querySelectorAll('img')].every(e => e.complete)",
            arg=self.question.element_handle(),
        )
        found = self.question.locator("img").evaluate_all(
            "all => all.map(e => [e.src, e.alt, e.naturalWidth, [e.width, e.height]])"
        )
        return [Picture(url, alt, natural_width, tuple(size)) for url, alt, natural_width, size in found]

    @property
    def fields(self) -> list[str]:
        """The names of the form's visible fields."""
        inputs = self.question.locator('[name^="element_"]:not([type="hidden"])')
        names = inputs.evaluate_all("all => all.map(e => e.name)")
        return [str(name).removeprefix("element_") for name in names]

    def fill(self, name: str, text: str) -> Self:
        """Type into the field of a param, as much as the field accepts; a line for each item of a list."""
        # Airflow ties no label to a text field, so it is found by the name of its param.
        self.question.locator(f'[name="element_{name}"]').fill(text)
        return self

    def switch(self, name: str) -> Self:
        """Click the switch of a param."""
        self.question.locator(f'[id="switch:element_{name}"]').click()
        return self

    def choose(self, option: str) -> None:
        """Click an option and wait until Airflow has accepted the decision.

        :raises AirflowError: Airflow refused it
        """
        with self.page.expect_response(
            lambda response: response.request.method == "PATCH" and response.url.endswith("/hitlDetails")
        ) as decision:
            self.page.get_by_test_id(f"hitl-option-{option}").click()
        if not decision.value.ok:
            raise AirflowError(f"{option} got {decision.value.status}: {decision.value.text()}")

    def wait_for(self, text: str) -> Self:
        """Wait until the page, which refreshes continuously, shows a text."""
        self.page.get_by_text(text).first.wait_for()
        return self
