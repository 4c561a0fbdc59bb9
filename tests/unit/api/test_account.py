"""Whose key it is."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.account import Account, cost_of_a_take, whoami
from tests.unit.driving import good


@pytest.mark.parametrize(
    ("body", "account"),
    [
        (
            {"organizationId": "org_1", "organizationName": "Acme", "rateLimitTier": "pilot"},
            Account("Acme", "pilot"),
        ),
        ({"organizationId": "org_1"}, Account("org_1", "standard")),
        ({}, Account("an unnamed organization", "standard")),
        (
            {"organizationName": "Acme", "killSwitch": False, "apiAccessRevoked": False},
            Account("Acme", "standard"),
        ),
        (
            {"organizationName": "Acme", "killSwitch": True},
            Account("Acme", "standard", "the key or the organization is suspended"),
        ),
        (
            {"organizationName": "Acme", "apiAccessRevoked": True},
            Account("Acme", "standard", "the organization's access to the API is revoked"),
        ),
    ],
)
def test_either_revision_of_whoami_is_read(body, account):
    endpoint = whoami()
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/whoami")
    assert endpoint.read(good(body)) == account


@pytest.mark.parametrize(
    ("body", "costs"),
    [
        (
            {"balance": 900, "estimatedCreditsPerFormat": {"video_remix": 120, "auto": 120}},
            {"video_remix": 120, "auto": 120},
        ),
        ({"estimatedCreditsPerFormat": {"slideshow-builder": 50}}, {"slideshow_builder": 50}),
        ({"estimatedCreditsPerFormat": {"ugc_remix": 0}}, {"ugc_remix": 0}),
        ({"estimatedCreditsPerFormat": {"a": "120", "b": None, "c": {}, "d": [50]}}, {}),
        ({"estimatedCreditsPerFormat": {}}, {}),
        ({"estimatedCreditsPerFormat": None}, {}),
        ({"estimatedCreditsPerFormat": [50]}, {}),
        ({"balance": 900}, {}),
    ],
)
def test_the_cost_of_a_take_is_told_by_format(body, costs):
    endpoint = cost_of_a_take()
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/credits")
    assert endpoint.read(good(body)) == costs
