"""Provider metadata, as Airflow's provider manager reads it."""

from __future__ import annotations

from typing import Any

from airflow_provider_layers import __version__

DEFAULT_HOST = "https://api.layers.com"

CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "auth_scheme": {
        "label": "Auth scheme",
        "description": "How the API key is sent. 'bearer' works under every revision of the API.",
        "schema": {"type": ["string", "null"], "enum": ["bearer", "x-api-key"], "default": "bearer"},
    },
    "organization": {
        "label": "Organization",
        "description": "Child organization to act for (org_...). Needs a parent key with scope org:admin.",
        "schema": {"type": ["string", "null"]},
    },
    "content_routes": {
        "label": "Content routes",
        "description": (
            "'shared': one route to generate with, which takes a format. "
            "'per-format': the newest revision's one route for each format."
        ),
        "schema": {"type": ["string", "null"], "enum": ["shared", "per-format"], "default": "shared"},
    },
    "timeout": {
        "label": "Timeout (s)",
        "description": "Seconds to wait for data of a response; also for a connection, up to 10.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "default": 30},
    },
    "poll_budget_rpm": {
        "label": "Poll budget (reads a minute)",
        "description": (
            "Most reads a minute that one triggerer makes with this key while it waits. "
            "Empty: nine tenths of what the key's tier allows."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 1},
    },
}

UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["login", "port", "schema"],
    "relabeling": {"password": "API key", "host": "Base URL"},
    "placeholders": {"host": DEFAULT_HOST, "password": "lp_live_..."},
}

_PACKAGE = "airflow_provider_layers"


def _modules(folder: str, *nouns: str) -> list[dict[str, Any]]:
    return [
        {"integration-name": "Layers", "python-modules": [f"{_PACKAGE}.{folder}.{noun}" for noun in nouns]}
    ]


def get_provider_info() -> dict[str, Any]:
    """Return the metadata in the shape of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-layers",
        "name": "Layers",
        "description": "Turn a brief or a winning post into content with Layers, wait, approve and schedule.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "Layers",
                "external-doc-url": "https://developers.layers.com/docs/api",
                "tags": ["service"],
            }
        ],
        "hooks": _modules("hooks", "layers"),
        "operators": _modules("operators", "content", "jobs", "scheduled_posts", "top_performers", "http"),
        "sensors": _modules("sensors", "content", "jobs", "scheduled_posts", "top_performers"),
        "triggers": _modules("triggers", "content", "jobs", "scheduled_posts", "top_performers", "turns"),
        "extra-links": [
            f"{_PACKAGE}.links.jobs.LayersJobLink",
            f"{_PACKAGE}.links.content.LayersContentLink",
        ],
        "connection-types": [
            {
                "connection-type": "layers",
                "hook-class-name": f"{_PACKAGE}.hooks.layers.LayersHook",
                "hook-name": "Layers",
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
    }
