"""Who is asking: keys, scopes, suspension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.errors import Refusal, invalid, unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_layers.emulator.entities import ApiKey
    from airflow_provider_layers.emulator.state import World


def authenticate(world: World, headers: Mapping[str, str]) -> ApiKey:
    """Return the key that *headers* carry; when both forms are sent, ``X-Api-Key`` wins."""
    sent = _read_key(headers)
    key = next((key for key in world.keys.values() if key.secret == sent), None)
    if key is None:
        raise unauthenticated("The API key is wrong.")
    if key.revoked:
        raise unauthenticated("The API key has been revoked.")
    if key.suspended is not None:
        raise Refusal(503, "KILL_SWITCH", f"This {key.suspended} is suspended.", {"scope": key.suspended})
    return key


def authorize(key: ApiKey, scope: str | None) -> None:
    """Refuse a *key* that lacks *scope*."""
    if scope is not None and scope not in key.scopes and "*" not in key.scopes:
        raise Refusal(403, "FORBIDDEN_SCOPE", f"This key lacks the scope {scope}.", {"requiredScope": scope})


def check_organization(headers: Mapping[str, str]) -> None:
    """Refuse an ``X-Layers-Organization`` that is no organization id; any that is one is accepted."""
    organization = headers.get("x-layers-organization")
    if organization is not None and not organization.startswith("org_"):
        raise invalid([{"path": "headers.X-Layers-Organization", "message": "must be an id such as org_…"}])


def _read_key(headers: Mapping[str, str]) -> str:
    if "x-api-key" in headers:
        return headers["x-api-key"]
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise unauthenticated("Send the API key as `Authorization: Bearer <key>` or as `X-Api-Key: <key>`.")
    return secret.strip()
