"""Whose key it is, and what things cost: ``reference/organizations/whoami``, ``GET /v1/credits``."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_layers.api.endpoint import Answer, Endpoint


@dataclass(frozen=True)
class Account:
    """
    What the API says about a key.

    :param organization: name of the organization, or its id where the answer has no name
    :param rate_limit_tier: ``standard``, ``pilot`` or ``partner``
    :param blocked: why the key cannot be used although the API answered, as older revisions tell it
    """

    organization: str
    rate_limit_tier: str
    blocked: str | None = None


def whoami() -> Endpoint[Account]:
    """``GET /v1/whoami``, which asks for no scope."""
    return Endpoint(asked="check the API key", method="GET", path="/v1/whoami", read=_account)


def cost_of_a_take() -> Endpoint[dict[str, int]]:
    """
    ``GET /v1/credits``: what the API estimates that content of a format costs.

    Its names of formats have underscores where other routes have hyphens; here all have underscores.
    """
    return Endpoint(asked="read the credits", method="GET", path="/v1/credits", read=_costs)


def _costs(answer: Answer) -> dict[str, int]:
    known = answer.json().get("estimatedCreditsPerFormat")
    pairs = known.items() if isinstance(known, dict) else ()
    return {str(name).replace("-", "_"): cost for name, cost in pairs if isinstance(cost, int)}


def _account(answer: Answer) -> Account:
    body = answer.json()
    blocked = None
    if body.get("apiAccessRevoked"):
        blocked = "the organization's access to the API is revoked"
    elif body.get("killSwitch"):
        blocked = "the key or the organization is suspended"
    organization = body.get("organizationName") or body.get("organizationId") or "an unnamed organization"
    return Account(str(organization), str(body.get("rateLimitTier") or "standard"), blocked)
