"""What a task instance is about, for whoever shows it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

from airflow_provider_layers.hooks import view
from airflow_provider_layers.hooks.view import VIEW, review_address, show
from tests.unit.tasks import context


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, (None, [], [])),
        ({"job_id": "job_1", "container_ids": ("cnt_1", "cnt_2")}, ("job_1", ["cnt_1", "cnt_2"], [])),
        ({"scheduled_post_ids": ["sp_1"]}, (None, [], ["sp_1"])),
    ],
)
def test_the_ids_and_the_connection_are_told_and_nothing_else(given, told):
    of_task = context(None)
    show(of_task, layers_conn_id="other", **given)
    assert json.loads(json.dumps(of_task["ti"].xcom)) == {
        "layers": {
            "layers_conn_id": "other",
            **dict(zip(("job_id", "container_ids", "scheduled_post_ids"), told, strict=True)),
        }
    }


def test_what_is_told_last_holds():
    of_task = context(None)
    show(of_task, layers_conn_id="c", job_id="job_1")
    show(of_task, layers_conn_id="c", container_ids=["cnt_1"])
    assert of_task["ti"].xcom[VIEW]["job_id"] is None


def test_what_is_told_does_not_change_with_the_list_it_was_told_from():
    of_task, posts = context(None), ["sp_1"]
    show(of_task, layers_conn_id="c", scheduled_post_ids=posts)
    posts.append("sp_2")
    assert of_task["ti"].xcom[VIEW]["scheduled_post_ids"] == ["sp_1"]


@pytest.fixture
def base_url(monkeypatch):
    """Set the address of the Airflow site."""

    def fill_in(url):
        def get(section, name, fallback=None):
            assert (section, name) == ("api", "base_url")
            return url

        monkeypatch.setattr(view, "conf", SimpleNamespace(get=get))

    return fill_in


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("http://localhost:8080", "/layers/review/card?"),
        ("http://localhost:8080/", "/layers/review/card?"),
        ("https://airflow.test/team/a/", "/team/a/layers/review/card?"),
        ("https://airflow.test/team", "/team/layers/review/card?"),
        ("", "/layers/review/card?"),
        (None, "/layers/review/card?"),
    ],
)
def test_an_address_is_under_the_path_of_the_site_and_names_no_host(base_url, url, start):
    base_url(url)
    assert review_address(context(None), "card", words=1).startswith(start)


STRANGE = {
    "dag_id": "my dag&x=1",
    "run_id": "manual__2026-04-18T00:00:00+00:00/../?#",
    "task_id": "group.review<>\"'\\)](",
    "map_index": 3,
}


def test_an_address_names_the_task_instance_whatever_it_is_called(base_url):
    base_url("http://localhost:8080")
    address = review_address(context(None, **STRANGE), "7", words=2)
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("", "", "/layers/review/7", "")
    assert dict(parse_qsl(parts.query)) == {**STRANGE, "map_index": "3", "words": "2"}
    assert not set(address) & set(" <>\"'\\()[]\n;"), "nothing that Markdown reads otherwise"
