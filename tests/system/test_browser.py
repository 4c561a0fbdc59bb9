"""Airflow's own pages in a browser, and how they show the Markdown of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_layers.review.markdown import WORD_JOINER, escape, image, plain_line, quote, table
from dev.airflow_client import FINISHED, AirflowError, start_run, wait_for_task
from dev.browser import logged_in
from dev.reviewer import Reviewer, task_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from dev.local_airflow import LocalAirflow

pytestmark = [pytest.mark.airflow3, pytest.mark.browser]

DAG_ID = "browser_check"
PICTURES = {"Airflow": "/static/pin_100.png", "Missing": "/static/missing.png"}
# Texts with a meaning in Markdown, in GitHub's dialect of it, or in HTML.
FOREIGN_TEXTS = [
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
    """A run that asks three questions: with pictures, with foreign texts in every form, and with a form."""
    pictures = " ".join(image(alt, url) for alt, url in PICTURES.items())
    texts = [
        *map(escape, FOREIGN_TEXTS),
        quote("\n".join(FOREIGN_TEXTS)),
        table((text, text) for text in FOREIGN_TEXTS),
    ]
    return start_run(airflow.client, DAG_ID, {"pictures": pictures, "texts": "\n\n".join(texts)})


@pytest.fixture(scope="module")
def reviewer(browser: Browser, airflow: LocalAirflow) -> Iterator[Reviewer]:
    with logged_in(browser, airflow) as page:
        yield Reviewer(page)


@pytest.fixture
def open_question(airflow: LocalAirflow, run_id: str, reviewer: Reviewer) -> Callable[[int], Reviewer]:
    def open_it(map_index: int) -> Reviewer:
        airflow.wait_until_deferred(DAG_ID, run_id, f"ask[{map_index}]")
        return reviewer.open(DAG_ID, run_id, "ask", map_index)

    return open_it


def test_foreign_text_is_shown_literally(open_question: Callable[[int], Reviewer]) -> None:
    question = open_question(1).question
    assert question.locator("a, img, script, strong, em, del, code, h1, h2, h3, ol, ul, li, hr").count() == 0
    lines = lines_of(question.inner_text())
    assert [text for text in FOREIGN_TEXTS if lines.count(plain_line(text)) < 2] == []
    assert lines_of(question.locator("blockquote").inner_text()) == list(map(plain_line, FOREIGN_TEXTS))
    cells = [cleaned(cell) for cell in question.locator("td").all_inner_texts()]
    assert cells == [plain_line(text) for text in FOREIGN_TEXTS for _ in range(2)]


def lines_of(text: str) -> list[str]:
    return [cleaned(line) for line in text.splitlines() if line.strip()]


def cleaned(text: str) -> str:
    return plain_line(text.replace(WORD_JOINER, ""))


def test_missing_pictures_are_detected(open_question: Callable[[int], Reviewer]) -> None:
    pictures = {picture.alt: picture for picture in open_question(0).pictures()}
    assert list(pictures) == list(PICTURES)
    assert [alt for alt, picture in pictures.items() if picture.natural_width > 0] == ["Airflow"]


def test_a_viewer_reads_the_question_and_cannot_answer(
    browser: Browser, airflow: LocalAirflow, run_id: str, open_question: Callable[[int], Reviewer]
) -> None:
    open_question(0)
    with logged_in(browser, airflow, "viewer") as page:
        viewer = Reviewer(page).open(DAG_ID, run_id, "ask", 0)
        assert viewer.subject == "Is it good?"
        with pytest.raises(AirflowError, match="403"):
            viewer.choose("Yes")


def test_a_user_without_permissions_sees_no_question(
    browser: Browser, airflow: LocalAirflow, run_id: str, open_question: Callable[[int], Reviewer]
) -> None:
    open_question(0)
    with logged_in(browser, airflow, "nobody") as page:
        page.goto(task_page(DAG_ID, run_id, "ask", 0, "required_actions"))
        page.get_by_text("No Task Instance found").wait_for()
        assert Reviewer(page).buttons.count() == 0
        assert "Is it good?" not in page.locator("body").inner_text()


def test_an_answer_arrives_with_its_form(
    open_question: Callable[[int], Reviewer], airflow: LocalAirflow, run_id: str
) -> None:
    reviewer = open_question(2)
    assert (reviewer.options, reviewer.fields) == (["Yes", "No"], ["reason", "lines", "count", "keep"])
    reviewer.fill("reason", "0123456789 too long").fill("lines", "one\ntwo").fill("count", "2")
    reviewer.switch("keep").choose("No")
    wait_for_task(airflow.client, DAG_ID, run_id, "ask[2]", FINISHED)
    answer = airflow.client.xcoms(DAG_ID, run_id, "ask", 2)["return_value"]
    assert answer["chosen_options"] == ["No"]
    assert answer["params_input"] == {
        "version": 7,
        "reason": "0123456789",
        "lines": ["one", "two"],
        "count": 2,
        "keep": True,
    }
    assert reviewer.wait_for("Response received at").options == []
