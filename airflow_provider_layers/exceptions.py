"""
Everything that this package raises.

The tree, as it is::

    LayersError
    ├── LayersParameterError              refused here, before anything was sent
    │   ├── LayersConnectionError         the Airflow connection cannot be used as it is filled in
    │   ├── LayersRequestChangedError     an earlier try of the task asked for something else
    │   └── LayersReplayWindowError       an earlier try may have asked too long ago for the API to remember
    ├── LayersTransportError              no answer arrived: timeout, disconnect, refused connection
    ├── LayersUnexpectedAnswerError       an answer arrived that the vendor's documentation does not know
    ├── LayersPromotionError              content was approved, and the schedule that waited for it failed
    ├── LayersAPIError                    the API answered with an error
    │   ├── LayersRequestError            400, 422 and every other caller's mistake
    │   │   └── LayersModerationError     MODERATION_BLOCKED
    │   ├── LayersAuthenticationError     401
    │   ├── LayersBillingError            402
    │   ├── LayersPermissionError         403
    │   │   └── LayersApprovalRequiredError   APPROVAL_REQUIRED
    │   ├── LayersNotFoundError           404
    │   ├── LayersConflictError           409
    │   │   ├── LayersIdempotencyError        IDEMPOTENCY_CONFLICT
    │   │   └── LayersContentRejectedError    CONTENT_REJECTED
    │   ├── LayersSuspendedError          503 KILL_SWITCH
    │   ├── LayersRateLimitError          429
    │   └── LayersServerError             408, 425 and every other 5xx
    ├── LayersPostError                   the scheduled post exists, and did not go public
    ├── LayersContentError                content failed or was canceled before anybody decided on it
    │   └── LayersContentUnfinishedError  it is still being made, so nobody can decide on it yet
    ├── LayersReviewRejectedError         content was reviewed and rejected
    ├── LayersTimeoutError                what was waited for had not come by the deadline
    └── LayersJobError                    the job exists, and did not end in content
        ├── LayersJobFailedError          it failed
        ├── LayersJobCanceledError        it was canceled
        └── LayersJobTimeoutError         it was still running at the deadline; a LayersTimeoutError, too

``permanent`` says that asking again cannot help: operators stop Airflow's retries on such an error.
"""

from __future__ import annotations

import copyreg
from typing import Any, ClassVar


class LayersError(Exception):
    """Root of everything that this package raises."""

    permanent: ClassVar[bool] = True


class LayersParameterError(LayersError, ValueError):
    """A parameter is wrong; nothing was sent. The text says what was given and what is allowed."""


class LayersConnectionError(LayersParameterError):
    """The Airflow connection cannot be used as it is filled in."""


class LayersRequestChangedError(LayersParameterError):
    """An earlier try of the task asked for something else; nothing was sent."""


class LayersReplayWindowError(LayersParameterError):
    """An earlier try may have asked too long ago for the API to remember it; nothing was sent."""


class LayersTransportError(LayersError):
    """No answer arrived: it is unknown whether the request was carried out."""

    permanent = False


class LayersUnexpectedAnswerError(LayersError):
    """
    An answer arrived that the vendor's documentation does not know.

    Not permanent: a broken gateway looks the same, and asking again with the same key costs nothing.
    """

    permanent = False


class LayersPromotionError(LayersError):
    """Content was approved, and the schedule that waited for the approval could not be carried out."""


class LayersAPIError(LayersError):
    """
    The API answered with an error (``operational/errors`` in the vendor's documentation).

    :param asked: what was asked, such as ``approve content cnt_1``
    :param status_code: HTTP status of the answer
    :param code: the vendor's error code, such as ``NOT_FOUND``; ``None`` where the answer had no envelope
    :param message: the vendor's text
    :param request_id: the id to quote to the vendor's support
    :param details: the vendor's structured details
    :param retry_after: seconds that the answer asked to wait, or ``None``
    """

    advice: ClassVar[str] = ""

    def __init__(
        self,
        asked: str,
        *,
        status_code: int,
        code: str | None = None,
        message: str = "",
        request_id: str | None = None,
        details: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.asked = asked
        self.status_code = status_code
        self.code = code
        self.message = message
        self.request_id = request_id
        self.details = details or {}
        self.retry_after = retry_after
        super().__init__(self._text())

    def _text(self) -> str:
        parts = ((" {}", self.code), (": {}", self.message.rstrip(".")), (" (details: {})", self.details))
        told = "".join(words.format(value) for words, value in parts if value)
        what = f"Could not {self.asked}: the API answered {self.status_code}{told}. {self.advice}".rstrip()
        return f"{what} Request id: {self.request_id or 'none was given'}."

    def __reduce__(self) -> tuple[Any, ...]:
        # Otherwise it is made anew by `__init__` from its text alone, which takes more than that.
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class LayersRequestError(LayersAPIError):
    """The API refused the request as it was written."""

    advice = "Correct the parameters of the task and clear it."


class LayersModerationError(LayersRequestError):
    """The brief did not pass the vendor's safety check."""

    advice = "Change the brief; the same words are refused again."


class LayersAuthenticationError(LayersAPIError):
    """The API key is missing, malformed, wrong, revoked, or of another environment."""

    advice = "Check the API key in the connection's password field."


class LayersBillingError(LayersAPIError):
    """The credits do not cover the job."""

    advice = "Top up the credits, then clear the task."


class LayersPermissionError(LayersAPIError):
    """The API key lacks a scope that the route asks for."""

    advice = "Give the key the scope that the route asks for, or use another key."


class LayersApprovalRequiredError(LayersPermissionError):
    """The content is not approved."""

    advice = "Nothing was stored or published. Approve the content first, then clear the task."


class LayersNotFoundError(LayersAPIError):
    """The id is unknown to this key; ids of other organizations look the same."""

    advice = "Check the id, and that the connection's key belongs to the same organization."


class LayersConflictError(LayersAPIError):
    """The state of the thing does not allow what was asked."""

    advice = "See the details for the state it is in."


class LayersIdempotencyError(LayersConflictError):
    """The request changed although its idempotency key did not: no second job was started."""

    advice = (
        "The rendered parameters differ from those of an earlier try of this task (a template that uses the "
        "current time does that). Nothing was started or billed. Make them the same on every try, or clear "
        "the task to start a new job."
    )


class LayersContentRejectedError(LayersConflictError):
    """The content was rejected, so it cannot be scheduled or published."""

    advice = "Generate a new take."


class LayersSuspendedError(LayersAPIError):
    """The key or the organization is suspended (the vendor's kill switch)."""

    advice = "The key or the organization is suspended; ask the vendor or the organization's administrator."


class LayersRateLimitError(LayersAPIError):
    """The rate limit of the key, or the organization's cap on running jobs, is reached."""

    permanent = False


class LayersServerError(LayersAPIError):
    """The API or a gateway in front of it failed for the moment."""

    permanent = False


class LayersPostError(LayersError):
    """The scheduled post exists, and did not go public: it failed, was canceled, or is a draft."""


class LayersContentError(LayersError):
    """The content failed or was canceled before anybody decided on it, so that nobody can any more."""


class LayersContentUnfinishedError(LayersContentError):
    """The content is still being made, so that nobody can decide on it yet."""

    permanent = False


class LayersReviewRejectedError(LayersError):
    """The content was reviewed and rejected: it is not to go out."""


class LayersTimeoutError(LayersError):
    """What was waited for had not come by the deadline."""


class LayersJobError(LayersError):
    """
    The job exists, and did not end in content.

    :param job_id: the job
    :param message: what happened
    :param error: the job's own error as the API gave it, if it gave one
    """

    def __init__(self, job_id: str, message: str, error: dict[str, Any] | None = None) -> None:
        self.job_id = job_id
        self.message = message
        self.error = error or {}
        super().__init__(job_id, message, error)

    def __str__(self) -> str:
        return f"Layers job {self.job_id} {self.message}"


class LayersJobFailedError(LayersJobError):
    """The job failed."""


class LayersJobCanceledError(LayersJobError):
    """The job was canceled."""


class LayersJobTimeoutError(LayersJobError, LayersTimeoutError):
    """The job was still running at the deadline."""
