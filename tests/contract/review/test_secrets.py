"""The key of the connection is in nothing that a review shows, tells, keeps or logs."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import Any

import pytest

from tests.contract.reviewing import Review, Reviews

pytestmark = [pytest.mark.airflow3, pytest.mark.usefixtures("memory")]

TROUBLE: dict[str, dict[str, Any]] = {
    "none": {},
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_after"},
    "garbage": {"kind": "garbage"},
    "redirect": {"kind": "redirect"},
}


@pytest.fixture(autouse=True)
def _no_masking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow hides in its logs the passwords that it knows of; here nothing may need hiding."""
    maskers = {
        module.SecretsMasker for name, module in sys.modules.items() if name.endswith(".secrets_masker")
    }
    assert maskers
    for masker in maskers:
        monkeypatch.setattr(masker, "add_mask", lambda *_, **__: None)
        monkeypatch.setattr(masker, "redact", lambda _, item, *__, **___: item)


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    return Reviews(api, airflow, made, posted, monkeypatch)


def told_by(review: Review) -> list[str]:
    trouble = traceback.format_exception(review.error) if review.error else []
    return [json.dumps([review.xcoms, review.value]), repr(review.trigger), *trouble]


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
@pytest.mark.parametrize("where", ["GET", "POST"])
@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_the_key_is_in_no_question_answer_log_error_xcom_trigger_or_store(
    trouble: dict[str, Any],
    where: str,
    scheme: str,
    reviews: Reviews,
    airflow: Any,
    api: Any,
    connect: Any,
    caplog: Any,
    capfd: Any,
) -> None:
    connect(auth_scheme=scheme)
    seen: list[str] = []
    with caplog.at_level(logging.DEBUG):
        review = reviews.begun()
        if trouble:
            api.fault(method=where, times=None, **trouble)
        review.triggerer_is_up = False
        seen += told_by(review.answer("Regenerate", topic="Walk."))
        if review.state == "deferred":
            seen += told_by(review.fire())
        if review.state == "awaiting_input":
            seen += told_by(review.answer("Approve", take=review.take))
        seen += told_by(reviews.of(review.container).begin())
    seen += [json.dumps(reviews.desk.asked), caplog.text, *capfd.readouterr(), airflow.stored]
    assert "request_started" in caplog.text or "send_request_headers" in caplog.text, "the logs were seen"
    assert "Asking about take 1" in "".join(seen), "the log of the task was seen"
    # The second half is the secret; the first names the key.
    secret = api.api_key.rpartition("_")[2]
    assert len(secret) > 20
    assert secret not in "".join(seen)


def test_what_is_kept_of_a_review_holds_no_words_of_the_content(
    reviews: Reviews, airflow: Any, made: Any
) -> None:
    """The page in the Airflow UI reads the content through the connection, as whoever may see it."""
    review = reviews.begun(made(topic="our secret launch"))
    assert "our secret launch" in reviews.desk.asked[0]["body"]
    assert "our secret launch" not in json.dumps(review.xcoms) + airflow.stored
