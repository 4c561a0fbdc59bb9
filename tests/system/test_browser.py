"""The browser in front of Airflow's own pages, and what those make of Markdown that we write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_layers.api.markdown import JOINER, escaped, picture, plain, quoted, table
from dev.airflow_client import FINISHED, AirflowError, wait_for_dag
from dev.browser import logged_in
from dev.reviewer import Reviewer, task_page, wait_for_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from dev.local_airflow import LocalAirflow

pytestmark = [pytest.mark.airflow3, pytest.mark.browser]

DAG_ID = "browser_check"
PICTURES = {"Airflow": "/static/pin_100.png", "Nothing": "/static/nothing.png"}
# What would be more than text if it were not escaped: in Markdown, in GitHub's dialect of it, in HTML.
FOREIGN = [
    "*a* **b** ***c*** _d_ ~~e~~ `f` ^g^ $h$ \\i\\ \\",
    "# head",
    "1. one",
    "- item",
    "---",
    "> quote",
    "[link](https://evil.example) ![picture](https://evil.example/x.png) [ref]: https://evil.example",
    "<b>bold</b> <script>alert(1)</script> <!-- gone --> &copy; &#64; <https://evil.example>",
    "https://evil.example HTTP://EVIL.EXAMPLE/(x) ftp://evil.example see:https://evil.example.",
    "www.evil.example (WWW.evil.example) *www.evil.example",
    "bob@evil.example mailto:bob@evil.example xmpp:bob@evil.example/x a.b-c_d+e@evil.example @bob",
    "a | b | c",
    "Größe 日本語 👩‍🚀 🧠",
]


@pytest.fixture(scope="module")
def run_id(airflow: LocalAirflow) -> str:
    """A run that asks: with pictures, with all that is foreign in every form, and with nothing but a form."""
    pictures = " ".join(picture(words, url) for words, url in PICTURES.items())
    texts = [*map(escaped, FOREIGN), quoted("\n".join(FOREIGN)), table((one, one) for one in FOREIGN)]
    wait_for_dag(airflow.driver, DAG_ID)
    airflow.driver.unpause(DAG_ID)
    return airflow.driver.trigger(DAG_ID, {"pictures": pictures, "texts": "\n\n".join(texts)})


@pytest.fixture(scope="module")
def reviewer(browser: Browser, airflow: LocalAirflow) -> Iterator[Reviewer]:
    with logged_in(browser, airflow) as page:
        yield Reviewer(page)


@pytest.fixture
def asked(airflow: LocalAirflow, run_id: str, reviewer: Reviewer) -> Callable[[int], Reviewer]:
    def open_question(index: int) -> Reviewer:
        wait_for_task(airflow.driver, DAG_ID, run_id, f"ask[{index}]")
        return reviewer.open(DAG_ID, run_id, "ask", index)

    return open_question


def test_foreign_text_is_shown_as_it_is(asked: Callable[[int], Reviewer]) -> None:
    question = asked(1).question
    assert question.locator("a, img, script, strong, em, del, code, h1, h2, h3, ol, ul, li, hr").count() == 0
    read = lines_of(question.inner_text())
    assert [one for one in FOREIGN if read.count(plain(one)) < 2] == []
    assert lines_of(question.locator("blockquote").inner_text()) == list(map(plain, FOREIGN))
    cells = [plain(one.replace(JOINER, "")) for one in question.locator("td").all_inner_texts()]
    assert cells == [plain(one) for one in FOREIGN for _ in range(2)]


def lines_of(text: str) -> list[str]:
    return [plain(line.replace(JOINER, "")) for line in text.splitlines() if line.strip()]


def test_pictures_are_told_from_broken_ones(asked: Callable[[int], Reviewer]) -> None:
    found = {one.words: one for one in asked(0).pictures()}
    assert list(found) == list(PICTURES)
    assert [name for name, one in found.items() if one.width > 0] == ["Airflow"]


def test_a_viewer_reads_the_question_and_cannot_answer(
    browser: Browser, airflow: LocalAirflow, run_id: str, asked: Callable[[int], Reviewer]
) -> None:
    asked(0)
    with logged_in(browser, airflow, "viewer") as page:
        viewer = Reviewer(page).open(DAG_ID, run_id, "ask", 0)
        assert viewer.subject == "Is it good?"
        with pytest.raises(AirflowError, match="403"):
            viewer.choose("Yes")


def test_who_may_nothing_sees_no_question(
    browser: Browser, airflow: LocalAirflow, run_id: str, asked: Callable[[int], Reviewer]
) -> None:
    asked(0)
    with logged_in(browser, airflow, "nobody") as page:
        page.goto(task_page(DAG_ID, run_id, "ask", 0, "required_actions"))
        page.get_by_text("No Task Instance found").wait_for()
        assert Reviewer(page).buttons.count() == 0
        assert "Is it good?" not in page.locator("body").inner_text()


def test_an_answer_arrives_with_its_form(
    asked: Callable[[int], Reviewer], airflow: LocalAirflow, run_id: str
) -> None:
    reviewer = asked(2)
    assert (reviewer.options, reviewer.fields) == (["Yes", "No"], ["reason", "lines", "count", "keep"])
    reviewer.fill("reason", "0123456789 too long").fill("lines", "one\ntwo").fill("count", "2")
    reviewer.switch("keep").choose("No")
    wait_for_task(airflow.driver, DAG_ID, run_id, "ask[2]", FINISHED)
    answer = airflow.driver.xcoms(DAG_ID, run_id, "ask", 2)["return_value"]
    assert answer["chosen_options"] == ["No"]
    assert answer["params_input"] == {
        "take": 7,
        "reason": "0123456789",
        "lines": ["one", "two"],
        "count": 2,
        "keep": True,
    }
    assert reviewer.wait_for("Response received at").options == []
