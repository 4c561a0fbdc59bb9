"""The key's organization and its credits: ``reference/organizations/whoami``, ``GET /v1/credits``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_layers.api.endpoint import Endpoint, Response, read_json


@dataclass(frozen=True)
class Account:
    """
    What the API returns about a key.

    :param organization: name of the organization, or its id where there is no name
    :param rate_limit_tier: ``standard``, ``pilot`` or ``partner``
    :param blocked: why the key cannot be used although the API responded, as in older revisions
    """

    organization: str
    rate_limit_tier: str
    blocked: str | None = None


def whoami() -> Endpoint[Account]:
    """``GET /v1/whoami``, which requires no scope."""
    return Endpoint(description="check the API key", method="GET", path="/v1/whoami", read=_read_account)


def get_credits() -> Endpoint[dict[str, Any]]:
    """``GET /v1/credits``: the balance, and the API's estimate of what content of each format costs."""
    return Endpoint(description="read the credits", method="GET", path="/v1/credits", read=read_json)


def costs_per_format(credits_body: Mapping[str, Any]) -> dict[str, int]:
    """
    Return the estimated credits for each format.

    :param credits_body: of :func:`get_credits`. Its format names have underscores where other routes have
        hyphens; in the result all have underscores
    """
    costs = credits_body.get("estimatedCreditsPerFormat")
    pairs = costs.items() if isinstance(costs, dict) else ()
    return {str(name).replace("-", "_"): cost for name, cost in pairs if isinstance(cost, int)}


def _read_account(response: Response) -> Account:
    body = response.json()
    blocked = None
    if body.get("apiAccessRevoked"):
        blocked = "the organization's access to the API is revoked"
    elif body.get("killSwitch"):
        blocked = "the key or the organization is suspended"
    organization = body.get("organizationName") or body.get("organizationId") or "an unnamed organization"
    return Account(str(organization), str(body.get("rateLimitTier") or "standard"), blocked)
