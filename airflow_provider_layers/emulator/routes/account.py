"""Who the key belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.routing import Answer

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.routing import Call


def whoami(call: Call) -> Answer:
    """Answer ``GET /v1/whoami``, with the fields of both revisions."""
    call.read_query({})
    world = call.world
    body = {
        "organizationId": world.organization_id,
        "parentOrganizationId": None,
        "workspaceId": world.workspace_id,
        "organizationName": "Acme (emulator)",
        "scopes": call.key.scopes,
        "rateLimitTier": world.settings.tier,
        "killSwitch": False,
        "apiAccessRevoked": False,
        "apiKeyId": f"key_{call.key.key_id}",
        "creditBalance": world.settings.credits,
    }
    return Answer(200, body)
