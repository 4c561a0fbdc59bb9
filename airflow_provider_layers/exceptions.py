"""
Every exception that this package raises.

``*`` marks permanent errors: sending the same request again cannot help, so they are ``AirflowFailException``
by class and end the task without further retries. All others leave Airflow's ``retries`` on. Either way the
typed error itself reaches ``on_failure_callback`` and ``context["exception"]``.

The tree::

    LayersError
    ├── LayersPermanentError*             base of everything marked here; also an AirflowFailException
    │   ├── LayersParameterError*         refused before anything was sent; also a ValueError
    │   │   ├── LayersConnectionError*    the Airflow connection is not usable
    │   │   ├── LayersRequestChangedError*    an earlier try of the task sent a different request
    │   │   └── LayersReplayWindowError*  an earlier try may have sent the request more than 24 hours ago
    │   ├── LayersPromotionError*         content was approved, and the schedule that waited for it failed
    │   ├── LayersPostError*              the scheduled post exists and was not published
    │   ├── LayersContentError*           content failed or was canceled before a decision
    │   ├── LayersReviewRejectedError*    content was reviewed and rejected
    │   ├── LayersTimeoutError*           a wait passed its deadline
    │   └── LayersJobError*               the job exists and did not complete
    │       ├── LayersJobFailedError*     it failed
    │       ├── LayersJobCanceledError*   it was canceled
    │       └── LayersJobTimeoutError*    it was still running at the deadline; also a LayersTimeoutError
    ├── LayersTransportError              no response: timeout, disconnect, refused connection
    ├── LayersUnexpectedResponseError     a response that the vendor's documentation does not describe
    ├── LayersContentUnfinishedError      content is still being made, so it cannot be decided on yet
    ├── LayersPartialError                items of a list failed, at least one so that a retry may help
    │   └── LayersPartialPermanentError*  items of a list failed, all of them permanently
    └── LayersAPIError                    the API returned an error
        ├── LayersRequestError*           400, 422 and every other 4xx
        │   └── LayersModerationError*    MODERATION_BLOCKED
        ├── LayersAuthenticationError*    401
        ├── LayersBillingError*           402
        ├── LayersPermissionError*        403
        │   └── LayersApprovalRequiredError*  APPROVAL_REQUIRED
        ├── LayersNotFoundError*          404
        ├── LayersConflictError*          409
        │   ├── LayersIdempotencyError*   IDEMPOTENCY_CONFLICT
        │   └── LayersContentRejectedError*   CONTENT_REJECTED
        ├── LayersSuspendedError*         503 KILL_SWITCH
        ├── LayersRateLimitError          429
        └── LayersServerError             408, 425 and every other 5xx
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException


class LayersError(Exception):
    """Root of the tree."""


class LayersPermanentError(LayersError, AirflowFailException):
    """Base of the errors that a retry cannot mend: Airflow fails the task at once."""


class LayersParameterError(LayersPermanentError, ValueError):
    """A parameter is wrong; nothing was sent. The text names the value and what is allowed."""


class LayersConnectionError(LayersParameterError):
    """The Airflow connection is not usable."""


class LayersRequestChangedError(LayersParameterError):
    """An earlier try of the task sent a different request; nothing was sent."""


class LayersReplayWindowError(LayersParameterError):
    """An earlier try may have sent the request too long ago for the API to replay it; nothing was sent."""


class LayersPromotionError(LayersPermanentError):
    """Content was approved, and the schedule that waited for the approval failed."""


class LayersPostError(LayersPermanentError):
    """The scheduled post exists and was not published: it failed, was canceled, or is a draft."""


class LayersContentError(LayersPermanentError):
    """Content failed or was canceled before a decision, so a decision is no longer possible."""


class LayersReviewRejectedError(LayersPermanentError):
    """Content was reviewed and rejected."""


class LayersTimeoutError(LayersPermanentError):
    """A wait passed its deadline."""


class LayersJobError(LayersPermanentError):
    """
    The job exists and did not complete.

    :param job_id: the job
    :param message: what happened
    :param error: the job's own error as the API returned it, if any
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


class LayersTransportError(LayersError):
    """No response arrived, so it is unknown whether the request was carried out."""


class LayersUnexpectedResponseError(LayersError):
    """
    A response that the vendor's documentation does not describe.

    Not permanent: a broken gateway looks the same, and sending again with the same key costs nothing.
    """


class LayersContentUnfinishedError(LayersError):
    """Content is still being made, so it cannot be decided on yet."""


class LayersPartialError(LayersError):
    """
    Items of a list failed, and at least one of them so that a retry may help.

    :param message: names every item that failed, with its error
    :param results: one row for each item, in order, as in the XCom ``results``
    :param errors: the error of each item that failed, by its id
    """

    def __init__(
        self,
        message: str,
        results: Sequence[Mapping[str, Any]] = (),
        errors: Mapping[str, LayersError] | None = None,
    ) -> None:
        self.message = message
        self.results = list(results)
        self.errors = dict(errors or {})
        super().__init__(message, self.results, self.errors)

    def __str__(self) -> str:
        return self.message


class LayersPartialPermanentError(LayersPartialError, LayersPermanentError):
    """Items of a list failed, all of them permanently."""


class LayersAPIError(LayersError):
    """
    The API returned an error (``operational/errors`` in the vendor's documentation).

    :param description: the request in words, such as ``approve content cnt_1``
    :param status_code: HTTP status of the response
    :param code: the vendor's error code, such as ``NOT_FOUND``; ``None`` where there was no error envelope
    :param message: the vendor's text
    :param request_id: the id to quote to the vendor's support
    :param details: the vendor's structured details
    :param retry_after: seconds that the response asked to wait, or ``None``
    """

    advice: ClassVar[str] = ""

    def __init__(
        self,
        description: str,
        *,
        status_code: int,
        code: str | None = None,
        message: str = "",
        request_id: str | None = None,
        details: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.description = description
        # Not typed as a number: Airflow's exceptions have an attribute of this name with another type.
        self.status_code: Any = status_code
        self.code = code
        self.message = message
        self.request_id = request_id
        self.details = details or {}
        self.retry_after = retry_after
        super().__init__(self._text())

    def _text(self) -> str:
        parts = ((" {}", self.code), (": {}", self.message.rstrip(".")), (" (details: {})", self.details))
        reason = "".join(template.format(value) for template, value in parts if value)
        text = f"Could not {self.description}: the API returned {self.status_code}{reason}. {self.advice}"
        return f"{text.rstrip()} Request id: {self.request_id or 'none was given'}."

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call `__init__` with the text alone, which requires more than that.
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class LayersRequestError(LayersAPIError, LayersPermanentError):
    """The API refused the request as it was written."""

    advice = "Correct the parameters of the task and clear it."


class LayersModerationError(LayersRequestError):
    """The brief did not pass the vendor's safety check."""

    advice = "Change the brief; the same text will be refused again."


class LayersAuthenticationError(LayersAPIError, LayersPermanentError):
    """The API key is missing, malformed, wrong, revoked, or belongs to another environment."""

    advice = "Check the API key in the connection's password field."


class LayersBillingError(LayersAPIError, LayersPermanentError):
    """The credits do not cover the job."""

    advice = "Top up the credits, then clear the task."


class LayersPermissionError(LayersAPIError, LayersPermanentError):
    """The API key lacks a scope that the route requires."""

    advice = "Give the key the scope that the route requires, or use another key."


class LayersApprovalRequiredError(LayersPermissionError):
    """The content is not approved."""

    advice = "Nothing was stored or published. Approve the content first, then clear the task."


class LayersNotFoundError(LayersAPIError, LayersPermanentError):
    """The id is unknown to this key; ids of other organizations look the same."""

    advice = "Check the id, and that the connection's key belongs to the same organization."


class LayersConflictError(LayersAPIError, LayersPermanentError):
    """The current state does not allow the request."""

    advice = "See the details for the current state."


class LayersIdempotencyError(LayersConflictError):
    """The request changed although its idempotency key did not: no second job was started."""

    advice = (
        "The rendered parameters differ from those of an earlier try of this task (a template that uses the "
        "current time does that). Nothing was started or billed. Make them the same on every try, or clear "
        "the task to start a new job."
    )


class LayersContentRejectedError(LayersConflictError):
    """The content was rejected, so it cannot be scheduled or published."""

    advice = "Regenerate the content and have the new version approved."


class LayersSuspendedError(LayersAPIError, LayersPermanentError):
    """The key or the organization is suspended (the vendor's kill switch)."""

    advice = "The key or the organization is suspended; ask the vendor or the organization's administrator."


class LayersRateLimitError(LayersAPIError):
    """The rate limit of the key, or the organization's cap on running jobs, is reached."""


class LayersServerError(LayersAPIError):
    """The API or a gateway in front of it is temporarily unavailable."""
