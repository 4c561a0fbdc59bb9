"""The key's organization and its credits."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.account import Account, costs_per_format, get_credits, whoami
from tests.unit.scripted import response

SUSPENDED = "the key or the organization is suspended"
REVOKED = "the organization's access to the API is revoked"


@pytest.mark.parametrize(
    ("body", "account"),
    [
        (
            {"organizationId": "org_1", "organizationName": "Acme", "rateLimitTier": "pilot"},
            Account("Acme", "pilot"),
        ),
        ({"organizationId": "org_1"}, Account("org_1", "standard")),
        ({}, Account("an unnamed organization", "standard")),
        ({"organizationName": "Acme", "killSwitch": False}, Account("Acme", "standard")),
        ({"organizationName": "Acme", "killSwitch": True}, Account("Acme", "standard", SUSPENDED)),
        ({"organizationName": "Acme", "apiAccessRevoked": True}, Account("Acme", "standard", REVOKED)),
    ],
)
def test_whoami_of_either_revision_is_read(body, account):
    endpoint = whoami()
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/whoami")
    assert endpoint.read(response(body)) == account


@pytest.mark.parametrize(
    ("costs", "read"),
    [
        ({"video_remix": 120, "auto": 120}, {"video_remix": 120, "auto": 120}),
        ({"slideshow-builder": 50}, {"slideshow_builder": 50}),
        ({"ugc_remix": 0}, {"ugc_remix": 0}),
        ({"a": "120", "b": None, "c": {}, "d": [50]}, {}),
        ({}, {}),
        (None, {}),
        ([50], {}),
    ],
)
def test_the_estimated_costs_are_read_by_format(costs, read):
    endpoint = get_credits()
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/credits")
    body = endpoint.read(response({"balance": 900, "estimatedCreditsPerFormat": costs}))
    assert body["balance"] == 900
    assert costs_per_format(body) == read


def test_a_body_without_costs_names_none():
    assert costs_per_format({"balance": 900}) == {}
