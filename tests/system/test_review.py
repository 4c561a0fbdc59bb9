"""Reviewers decide in a browser: what they see, what their decisions do, and who may see anything."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dev.airflow_client import POLL_INTERVAL, WAIT_TIMEOUT, follow_run
from dev.browser import logged_in, save_screenshot
from dev.reviewer import DAG_ID, Reviewer, start_reviews, task_page
from tests.system.conftest import JOB_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page

    from airflow_provider_layers.emulator import Emulator
    from dev.local_airflow import LocalAirflow
    from dev.reviewer import Picture

pytestmark = [pytest.mark.airflow3, pytest.mark.browser]

APPROVED, REJECTED, REGENERATED = range(3)


@dataclass
class FinishedReview:
    """A run in which a container was approved, one was rejected, and one was regenerated and then approved.

    :param run_id: id of the run
    :param container_ids: the containers, in this order
    :param pictures: pictures of each question, by a name for the question
    :param texts: text of each question
    :param calls: the decisions that the API received
    :param scheduled: the containers that were scheduled
    """

    run_id: str
    container_ids: list[str]
    pictures: dict[str, list[Picture]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    scheduled: list[str] = field(default_factory=list)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(POLL_INTERVAL)


@pytest.fixture(scope="module")
def page(browser: Browser, airflow: LocalAirflow) -> Iterator[Page]:
    with logged_in(browser, airflow) as opened:
        yield opened


@pytest.fixture(scope="module")
def review(emulator: Emulator, airflow: LocalAirflow, page: Page) -> FinishedReview:
    run = start_reviews(airflow, emulator, JOB_SECONDS)
    review = FinishedReview(run.run_id, run.container_ids)
    requests, jobs = len(emulator.requests()), len(emulator.jobs())
    reviewer = Reviewer(page)

    def open_review(name: str, index: int) -> Reviewer:
        airflow.wait_until_deferred(DAG_ID, run.run_id, f"review[{index}]")
        reviewer.open(DAG_ID, run.run_id, "review", index)
        review.pictures[name], review.texts[name] = reviewer.pictures(), reviewer.text
        return reviewer

    def state() -> dict[str, Any]:
        return dict(airflow.client.xcoms(DAG_ID, run.run_id, "review", REGENERATED)["review"])

    open_review("approve", APPROVED)
    save_screenshot(page, "review.png", height=2100)
    reviewer.choose("Approve")
    open_review("reject", REJECTED).fill("reason", "Too loud for us.").choose("Reject")
    open_review("regenerate", REGENERATED).fill("topic", "Rain is no excuse.").fill("cta", "Run with us.")
    reviewer.choose("Regenerate")
    wait_until(lambda: len(emulator.jobs()) > jobs)
    airflow.wait_until_deferred(DAG_ID, run.run_id, f"review[{REGENERATED}]")
    emulator.advance(JOB_SECONDS)
    wait_until(lambda: state()["version"] == 2)
    # The form keeps the number of the first version, so this approves what is not shown any more.
    open_review("outdated", REGENERATED).choose("Approve")
    wait_until(lambda: "was for version 1" in (state()["notice"] or ""))
    open_review("second", REGENERATED)
    save_screenshot(page, "review-second-version.png", height=1400)
    reviewer.fill("version", "2").choose("Approve")
    assert follow_run(airflow.client, DAG_ID, run.run_id) == "success"
    review.calls = [
        f"{request.path.rpartition('/')[2]} {request.path.split('/')[3]}"
        for request in emulator.requests()[requests:]
        if request.method == "POST" and request.path.startswith("/v1/content/")
    ]
    results = [airflow.client.xcoms(DAG_ID, run.run_id, "schedule", index) for index in range(2)]
    review.scheduled = [result["return_value"]["container_id"] for result in results]
    return review


def test_a_question_shows_every_picture_and_text(review: FinishedReview) -> None:
    for name in ("approve", "reject", "regenerate"):
        card, *slides = review.pictures[name]
        assert card.natural_width > 100
        assert [picture.natural_width > 100 for picture in slides[:3]] == [True] * 3
        # The body has room for more pictures than there are.
        assert {picture.natural_width for picture in slides[3:]} == {1}
        text = review.texts[name]
        assert "Thirty days, one run at a time. Try it today." in text
        assert "Caption for tiktok" in text
        assert "Caption for instagram" in text
        assert "about 50 for each new version" in text


def test_a_new_version_is_shown_at_the_same_urls(review: FinishedReview) -> None:
    first, second = review.pictures["regenerate"], review.pictures["outdated"]
    assert [picture.url for picture in first] == [picture.url for picture in second]
    assert [picture.natural_width > 100 for picture in second[:4]] == [True] * 4
    # The card of a later version has its captions, which the body lacks.
    assert second[0].size[1] > first[0].size[1]


def test_each_decision_is_sent_once_and_only_approved_content_is_scheduled(review: FinishedReview) -> None:
    first, second, third = review.container_ids
    decisions = [call for call in review.calls if not call.startswith("schedule")]
    assert decisions == [f"approve {first}", f"reject {second}", f"regenerate {third}", f"approve {third}"]
    assert sorted(set(review.calls) - set(decisions)) == sorted([f"schedule {first}", f"schedule {third}"])
    assert sorted(review.scheduled) == sorted([first, third])


def test_reviewer_option_and_reason_are_recorded(review: FinishedReview, airflow: LocalAirflow) -> None:
    decisions = [
        airflow.client.xcoms(DAG_ID, review.run_id, "review", index)["decision"] for index in range(3)
    ]
    assert [decision["option"] for decision in decisions] == ["Approve", "Reject", "Approve"]
    assert {decision["decided_by"] for decision in decisions} == {"admin"}
    assert decisions[REJECTED]["reason"] == "Too loud for us."
    log = airflow.client.log(DAG_ID, review.run_id, "review", map_index=REJECTED)
    assert "Reject by admin at " in log
    assert "Too loud for us." in log


def test_the_tab_shows_the_content_of_a_task(review: FinishedReview, page: Page) -> None:
    page.goto(task_page(DAG_ID, review.run_id, "review", REGENERATED, "plugin/layers"))
    page.get_by_test_id("layers-picture").nth(2).wait_for()
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=layers-picture]')].every(e => e.naturalWidth > 0)"
    )
    assert page.get_by_test_id("layers-container").count() == 1
    assert page.get_by_test_id("layers-approval").inner_text() == "Approved"
    save_screenshot(page, "tab.png")


def test_the_gallery_shows_all_content_of_a_run(review: FinishedReview, page: Page) -> None:
    page.goto(f"/dags/{DAG_ID}/runs/{review.run_id}/plugin/layers-gallery")
    cards = page.get_by_test_id("layers-container")
    cards.nth(2).wait_for()
    shown = {card.get_attribute("data-container-id") for card in cards.all()}
    assert shown == set(review.container_ids)
    badges = sorted(badge.inner_text() for badge in page.get_by_test_id("layers-approval").all())
    assert badges == ["Approved", "Approved", "Rejected"]
    save_screenshot(page, "gallery.png", height=1100)


def test_the_gallery_is_readable_in_dark_mode_and_in_a_narrow_window(
    review: FinishedReview, browser: Browser, airflow: LocalAirflow
) -> None:
    with logged_in(browser, airflow) as page:
        page.add_init_script("localStorage.setItem('theme', 'dark')")
        page.set_viewport_size({"width": 820, "height": 900})
        page.goto(f"/dags/{DAG_ID}/runs/{review.run_id}/plugin/layers-gallery")
        page.get_by_test_id("layers-picture").first.wait_for()
        caption = page.get_by_test_id("layers-caption").first
        container = page.get_by_test_id("layers-container").first
        assert brightness_of(caption, "color") > 2 * brightness_of(container, "background-color")
        save_screenshot(page, "gallery-dark.png", width=820)
        assert page.get_by_test_id("layers-page").evaluate("e => e.scrollWidth <= e.clientWidth")


def brightness_of(locator: Locator, css_property: str) -> float:
    """Return the brightness of a color, from 0 to 255, as a canvas paints it."""
    return locator.evaluate(
        """(element, property) => {
            const canvas = document.createElement('canvas').getContext('2d');
            canvas.fillStyle = getComputedStyle(element).getPropertyValue(property);
            canvas.fillRect(0, 0, 1, 1);
            return canvas.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((sum, part) => sum + part) / 3;
        }""",
        css_property,
    )


def test_nothing_is_shown_without_permission(
    review: FinishedReview, browser: Browser, airflow: LocalAirflow
) -> None:
    params = {"dag_id": DAG_ID, "run_id": review.run_id, "task_id": "review", "map_index": APPROVED}
    parts = ("task-instance", "dag-run", "review/card", "review/1", "review/media")
    with httpx.Client(base_url=f"{airflow.url}/layers/", timeout=60, trust_env=False) as anonymous:
        responses = [anonymous.get(part, params=params) for part in parts]
    assert {response.status_code for response in responses} == {401}
    with logged_in(browser, airflow, "nobody") as page:
        responses = [page.request.get(f"/layers/{part}", params=params, max_redirects=0) for part in parts]
        assert {response.status for response in responses} == {403}
        assert not any("cnt_" in response.text() for response in responses)
        page.goto(f"/dags/{DAG_ID}/runs/{review.run_id}/plugin/layers-gallery")
        page.wait_for_load_state("networkidle")
        assert page.get_by_test_id("layers-container").count() == 0
