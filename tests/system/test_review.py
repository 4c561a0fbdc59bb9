"""People decide in a browser, looking at the content; the tab and the gallery; who may see them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dev.airflow_client import FINISHED
from dev.browser import logged_in
from dev.review_run import DAG_ID, ask_people
from dev.reviewer import Reviewer, task_page, wait_for_task
from dev.screenshots import shoot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from dev.local_airflow import LocalAirflow
    from dev.reviewer import Picture

pytestmark = [pytest.mark.airflow3, pytest.mark.browser]

APPROVED, REJECTED, REMADE = range(3)


@dataclass
class Review:
    """
    A run of the example in which a person approved one, rejected one, and regenerated and approved one.

    :param seen: pictures of each question, in the order of asking
    :param read: its text
    """

    run_id: str
    containers: list[str]
    seen: dict[str, list[Picture]] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)


class Person(Reviewer):
    """
    Somebody who notes what they see.

    :param page: of the browser
    :param airflow: which asks
    :param review: where it is noted
    """

    def __init__(self, page: Page, airflow: LocalAirflow, review: Review) -> None:
        super().__init__(page)
        self._airflow, self._review = airflow, review

    def look(self, name: str, index: int) -> Person:
        """Open a question once it is asked, and note what there is to see."""
        wait_for_task(self._airflow.driver, DAG_ID, self._review.run_id, f"review[{index}]")
        self.open(DAG_ID, self._review.run_id, "review", index)
        self._review.seen[name], self._review.read[name] = self.pictures(), self.text
        return self

    def wait_for_question(self, index: int, **told: Any) -> None:
        """Wait until a task instance tells something of its question."""
        deadline = time.monotonic() + 60
        while True:
            found = self._airflow.driver.xcoms(DAG_ID, self._review.run_id, "review", index).get("review", {})
            if all(str(value) in str(found.get(name)) for name, value in told.items()):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.3)


@pytest.fixture(scope="module")
def page(browser: Browser, airflow: LocalAirflow) -> Iterator[Page]:
    with logged_in(browser, airflow) as opened:
        yield opened


@pytest.fixture(scope="module")
def review(emulator: Any, airflow: LocalAirflow, page: Page) -> Review:
    """All that happened, done once."""
    emulator.reset()
    emulator.configure(tier="partner")
    asked = ask_people(airflow, emulator)
    run_id = asked.run_id
    done = Review(run_id, asked.containers)
    decide(Person(page, airflow, done))
    wait_for_task(airflow.driver, DAG_ID, run_id, "schedule[1]", FINISHED)
    wait_for_task(airflow.driver, DAG_ID, run_id, "review[2]", FINISHED)
    done.calls = [
        f"{one.path.rpartition('/')[2]} {one.path.split('/')[3]}"
        for one in emulator.requests()
        if one.method == "POST" and one.path.startswith("/v1/content/") and not one.path.endswith("/schedule")
    ]
    scheduled = [airflow.driver.xcoms(DAG_ID, run_id, "schedule", index) for index in range(2)]
    done.posts = [one["return_value"]["container_id"] for one in scheduled]
    return done


def decide(person: Person) -> None:
    person.look("approve", APPROVED)
    shoot(person.page, "review.png", height=2100)
    person.choose("Approve")
    person.look("reject", REJECTED).fill("reason", "Too loud for us.").choose("Reject")
    person.look("regenerate", REMADE).fill("topic", "Rain is no excuse.").fill("cta", "Run with us.")
    person.choose("Regenerate")
    person.wait_for_question(REMADE, take=2)
    # Somebody whose page still shows the first take answers as if this were it.
    person.look("second", REMADE).choose("Approve")
    person.wait_for_question(REMADE, notice="was for take 1")
    person.look("refused", REMADE)
    shoot(person.page, "review-second-take.png", height=1400)
    person.fill("take", "2").choose("Approve")


def test_the_question_shows_every_picture_and_text(review: Review) -> None:
    for name in ("approve", "reject", "regenerate"):
        card, *slides = review.seen[name]
        assert card.width > 100
        assert [one.width > 100 for one in slides[:3]] == [True] * 3
        assert all(one.width == 1 for one in slides[3:])
        words = review.read[name]
        assert "Thirty days, one run at a time. Try it today." in words
        assert "Caption for tiktok" in words
        assert "Caption for instagram" in words
        assert "about 50 for each take" in words


def test_the_second_take_is_shown_in_the_same_place(review: Review, emulator: Any) -> None:
    first, second = review.seen["regenerate"], review.seen["second"]
    assert [one.url for one in first] == [one.url for one in second]
    assert [one.width > 100 for one in second[:4]] == [True] * 4
    assert second[0].shown[1] > first[0].shown[1]


def test_exactly_these_calls_were_made(review: Review) -> None:
    one, two, three = review.containers
    assert review.calls == [f"approve {one}", f"reject {two}", f"regenerate {three}", f"approve {three}"]


def test_what_was_approved_is_scheduled_and_nothing_else(review: Review, airflow: LocalAirflow) -> None:
    assert sorted(review.posts) == sorted([review.containers[APPROVED], review.containers[REMADE]])
    wait_for_task(airflow.driver, DAG_ID, review.run_id, "schedule[0]", {"success"})
    assert airflow.driver.run_state(DAG_ID, review.run_id) == "success"


def test_who_decided_what_and_why_is_told(review: Review, airflow: LocalAirflow) -> None:
    told = [airflow.driver.xcoms(DAG_ID, review.run_id, "review", index)["decision"] for index in range(3)]
    assert [one["option"] for one in told] == ["Approve", "Reject", "Approve"]
    assert {one["decided_by"] for one in told} == {"admin"}
    assert told[REJECTED]["reason"] == "Too loud for us."
    log = airflow.driver.log(DAG_ID, review.run_id, "review", map_index=REJECTED)
    assert "Reject by admin at " in log
    assert "Too loud for us." in log


def test_the_tab_shows_the_content_of_a_task(review: Review, page: Page) -> None:
    page.goto(task_page(DAG_ID, review.run_id, "review", REMADE, "plugin/layers"))
    page.get_by_test_id("layers-picture").nth(2).wait_for()
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=layers-picture]')].every(one => one.naturalWidth > 0)"
    )
    assert page.get_by_test_id("layers-container").count() == 1
    assert page.get_by_test_id("layers-approval").inner_text() == "Approved"
    shoot(page, "tab.png")


def test_the_gallery_shows_all_content_of_a_run(review: Review, page: Page) -> None:
    page.goto(f"/dags/{DAG_ID}/runs/{review.run_id}/plugin/layers-gallery")
    cards = page.get_by_test_id("layers-container")
    cards.nth(2).wait_for()
    assert {one.get_attribute("data-container-id") for one in cards.all()} == set(review.containers)
    said = sorted(one.inner_text() for one in page.get_by_test_id("layers-approval").all())
    assert said == ["Approved", "Approved", "Rejected"]
    shoot(page, "gallery.png", height=1100)


def test_the_gallery_is_readable_in_the_dark_and_in_a_narrow_window(
    review: Review, browser: Browser, airflow: LocalAirflow
) -> None:
    with logged_in(browser, airflow) as page:
        page.add_init_script("localStorage.setItem('theme', 'dark')")
        page.set_viewport_size({"width": 820, "height": 900})
        page.goto(f"/dags/{DAG_ID}/runs/{review.run_id}/plugin/layers-gallery")
        page.get_by_test_id("layers-picture").first.wait_for()
        caption = page.get_by_test_id("layers-caption").first
        assert brightness_of(caption, "color") > 2 * brightness_of(
            page.get_by_test_id("layers-container").first, "background-color"
        )
        shoot(page, "gallery-dark.png", width=820)
        whole = page.get_by_test_id("layers-page")
        assert whole.evaluate("one => one.scrollWidth <= one.clientWidth")


def brightness_of(shown: Locator, name: str) -> float:
    """Give how bright a colour is, from 0 to 255, as a canvas paints it."""
    return shown.evaluate(
        """(one, name) => {
            const canvas = document.createElement('canvas').getContext('2d');
            canvas.fillStyle = getComputedStyle(one).getPropertyValue(name);
            canvas.fillRect(0, 0, 1, 1);
            return canvas.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((sum, part) => sum + part) / 3;
        }""",
        name,
    )


def test_nobody_sees_anything_without_permission(
    review: Review, browser: Browser, airflow: LocalAirflow
) -> None:
    place = {"dag_id": DAG_ID, "run_id": review.run_id, "task_id": "review", "map_index": APPROVED}
    parts = ("task-instance", "dag-run", "review/card", "review/1", "review/media")
    with httpx.Client(base_url=f"{airflow.address}/layers/", trust_env=False) as stranger:
        answers = [stranger.get(part, params=place) for part in parts]
    assert {one.status_code for one in answers} == {401}
    with logged_in(browser, airflow, "nobody") as page:
        answers = [page.request.get(f"/layers/{part}", params=place, max_redirects=0) for part in parts]
        assert {one.status for one in answers} == {403}
        assert not any("cnt_" in one.text() for one in answers)
        page.goto(f"/dags/{DAG_ID}/runs/{review.run_id}/plugin/layers-gallery")
        page.wait_for_load_state("networkidle")
        assert page.get_by_test_id("layers-container").count() == 0
