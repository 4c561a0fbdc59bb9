"""Projects and their social accounts."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.projects import (
    LIST_PAGE_SIZE,
    get_project,
    list_projects,
    list_social_accounts,
)
from airflow_provider_layers.exceptions import LayersParameterError
from tests import limits
from tests.unit.scripted import response


def test_a_project_is_returned_as_the_api_returns_it():
    endpoint = get_project("prj/1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/projects/prj%2F1")
    assert endpoint.read(response({"timezone": "Europe/Berlin"})) == {"timezone": "Europe/Berlin"}


def test_lists_are_requested_with_their_filters():
    projects = list_projects(status="active", search="shoe", customer_external_id=7)(5, "c")
    assert (projects.method, projects.path) == ("GET", "/v1/projects")
    assert projects.query == (
        ("status", "active"),
        ("search", "shoe"),
        ("customerExternalId", "7"),
        ("limit", "5"),
        ("cursor", "c"),
    )
    accounts = list_social_accounts("prj_1", platform="tiktok", status="connected")(5, None)
    assert (accounts.method, accounts.path) == ("GET", "/v1/projects/prj_1/social-accounts")
    assert accounts.query == (("platform", "tiktok"), ("status", "connected"), ("limit", "5"))
    assert limits.PROJECTS_PAGE.most == limits.SOCIAL_ACCOUNTS_PAGE.most == LIST_PAGE_SIZE


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: get_project(""), "project_id = ''"),
        (lambda: list_social_accounts(""), "project_id = ''"),
        (lambda: list_projects(status="open"), "status = 'open'"),
        (lambda: list_projects(owner="x"), "has no field owner"),
        (lambda: list_social_accounts("prj_1", platform="youtube"), "platform = 'youtube'"),
        (lambda: list_social_accounts("prj_1", status="ok"), "status = 'ok'"),
    ],
)
def test_a_wrong_parameter_is_refused(make, name):
    with pytest.raises(LayersParameterError, match=name):
        make()
