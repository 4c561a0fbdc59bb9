from __future__ import annotations

import json

import pytest

from airflow_provider_layers import exceptions
from airflow_provider_layers.plugins.found import Found, trouble

HOST, KEY = "api.internal.example", "lp_live_0123456789_s3cret"
LEAKY = f"https://{HOST}/v1 {KEY}"


def api_error(kind, status=500, **fields):
    given = {"code": LEAKY, "message": LEAKY, "details": {"a": LEAKY}, "request_id": "req_1", **fields}
    return kind(LEAKY, status_code=status, **given)


API_ERRORS = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, exceptions.LayersAPIError)
]
OTHERS = [
    exceptions.LayersTransportError,
    exceptions.LayersUnexpectedAnswerError,
    exceptions.LayersParameterError,
    exceptions.LayersError,
]


@pytest.mark.parametrize("kind", API_ERRORS)
def test_no_answer_of_the_api_is_quoted(kind):
    found = trouble(api_error(kind))
    assert HOST not in str(found.as_json())
    assert KEY not in str(found.as_json())
    assert found.shown is None


@pytest.mark.parametrize("kind", OTHERS)
def test_no_error_of_ours_is_quoted_either(kind):
    found = trouble(kind(LEAKY))
    assert found.state == "error"
    assert found.error.endswith(".")
    assert HOST not in found.error


def test_what_is_not_there_is_no_error():
    found = trouble(api_error(exceptions.LayersNotFoundError, 404))
    assert (found.state, found.error, found.settled) == ("not_found", None, True)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (api_error(exceptions.LayersAuthenticationError, 401), "The API refuses the key of the connection."),
        (api_error(exceptions.LayersServerError, 502), "The API answered 502."),
        (api_error(exceptions.LayersRequestError, 418), "The API answered 418."),
        (exceptions.LayersTransportError("x"), "The API cannot be reached."),
        (exceptions.LayersUnexpectedAnswerError("x"), "What the API answered cannot be shown."),
    ],
)
def test_people_are_told_what_is_the_matter(error, said):
    told = trouble(error).error
    assert told.removesuffix(" Request id: req_1.") == said


@pytest.mark.parametrize("request_id", [None, "", LEAKY, "a\nb", "x" * 81, 5])
def test_only_a_plain_request_id_is_passed_on(request_id):
    found = trouble(api_error(exceptions.LayersServerError, request_id=request_id))
    assert found.error == "The API answered 500."


@pytest.mark.parametrize(
    ("error", "keep"),
    [
        (api_error(exceptions.LayersServerError), 10.0),
        (api_error(exceptions.LayersServerError, retry_after=20.0), 20.0),
        (api_error(exceptions.LayersRateLimitError, 429, retry_after=3600.0), 60.0),
        (api_error(exceptions.LayersAuthenticationError, 401), 30.0),
    ],
)
def test_trouble_is_kept_for_a_while(error, keep):
    found = trouble(error)
    assert (found.keep, found.settled) == (keep, False)


def test_it_is_plain_json():
    assert json.loads(json.dumps(Found("known", {"a": 1}).as_json())) == {
        "state": "known",
        "shown": {"a": 1},
        "error": None,
    }
