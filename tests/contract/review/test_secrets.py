"""The key of the connection is in nothing that a review shows, pushes, stores or logs."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.review.reviewing import Review, Reviews

pytestmark = [pytest.mark.airflow3, pytest.mark.usefixtures("memory")]

FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_after"},
    "garbage": {"kind": "garbage"},
    "redirect": {"kind": "redirect"},
}


@pytest.fixture(autouse=True)
def _no_masking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow hides the passwords it knows in logs; nothing may need hiding here."""
    maskers = {
        module.SecretsMasker for name, module in sys.modules.items() if name.endswith(".secrets_masker")
    }
    assert maskers
    for masker in maskers:
        monkeypatch.setattr(masker, "add_mask", lambda *_, **__: None)
        monkeypatch.setattr(masker, "redact", lambda _, item, *__, **___: item)


def visible(review: Review) -> list[str]:
    error = traceback.format_exception(review.error) if review.error else []
    return [json.dumps([review.xcoms, review.value]), repr(review.trigger), *error]


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_key_is_in_no_question_log_error_xcom_trigger_or_store(
    fault: dict[str, Any],
    method: str,
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
        review = reviews.ask()
        if fault:
            api.fault(method=method, times=None, **fault)
        review.triggerer_is_up = False
        seen += visible(review.answer("Regenerate", topic="Walk."))
        if review.state == "deferred":
            seen += visible(review.run_trigger())
        if review.state == "awaiting_input":
            seen += visible(review.answer("Approve", version=review.version))
        seen += visible(reviews.create(review.container).start_try())
    seen += [json.dumps(reviews.questions.asked), caplog.text, *capfd.readouterr(), airflow.stored]
    assert "request_started" in caplog.text or "send_request_headers" in caplog.text, "the logs were seen"
    assert "Asking about version 1" in "".join(seen), "the log of the task was seen"
    # The second half is the secret; the first names the key.
    secret = api.api_key.rpartition("_")[2]
    assert len(secret) > 20
    assert secret not in "".join(seen)


def test_nothing_stored_about_a_review_holds_text_of_the_content(
    reviews: Reviews, airflow: Any, made: Any
) -> None:
    """The page in the Airflow UI reads the content through the connection, for users who may see it."""
    review = reviews.ask(made(topic="our secret launch"))
    assert "our secret launch" in reviews.questions.asked[0]["body"]
    assert "our secret launch" not in json.dumps(review.xcoms) + airflow.stored
