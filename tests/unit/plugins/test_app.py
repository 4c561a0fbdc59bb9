"""Parts of the app that need no API server; the routes are tested in tests/contract/plugins."""

from __future__ import annotations

import mimetypes
import os

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from airflow_provider_layers import __version__
from airflow_provider_layers.plugins.app import STATIC, PackageFiles, parse_map_index


@pytest.mark.parametrize(
    ("text", "index"),
    [("0", 0), ("7", 7), ("999999999", 999_999_999)]
    + [(text, None) for text in ("", "-1", "{MAP_INDEX}", "undefined", "1.0", " 1", "1\n", "9" * 10, "1e3")],
)
def test_only_a_number_is_a_map_index(text, index):
    assert parse_map_index(text) == index


def get(path, directory, **headers):
    app = Starlette(routes=[Mount("/static", PackageFiles(directory=directory, follow_symlink=True))])
    with TestClient(app) as client:
        return client.get(f"/static/{path}", headers=headers)


@pytest.fixture
def wrong_mime_table():
    """The table of a system that has registered JavaScript and CSS as plain text, as Windows can."""
    saved = mimetypes.types_map.copy()
    for suffix in (".js", ".css", ".svg"):
        mimetypes.add_type("text/plain", suffix)
    yield
    mimetypes.types_map.clear()
    mimetypes.types_map.update(saved)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("layers.js", "text/javascript"), ("layers.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
def test_the_type_of_a_file_does_not_depend_on_the_system(name, media_type, wrong_mime_table):
    response = get(name, STATIC)
    assert (response.status_code, response.content) == (200, (STATIC / name).read_bytes())
    assert response.headers["content-type"].partition(";")[0] == media_type


def test_an_unchanged_file_is_not_sent_again():
    first = get("layers.js", STATIC)
    again = get("layers.js", STATIC, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert {response.headers["cache-control"] for response in (first, again)} == {"no-cache"}


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_reaches_browsers_at_once(change, tmp_path):
    file = tmp_path / "layers.js"
    file.write_text("old")
    etag = get("layers.js", tmp_path).headers["etag"]
    stat = file.stat()
    file.write_text("new" if change == "time" else "longer")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + (change == "time")))
    response = get("layers.js", tmp_path, **{"If-None-Match": etag})
    assert (response.status_code, response.content) == (200, file.read_bytes())


def test_an_upgrade_changes_every_etag():
    # Some image builders give all files the same time, and a change need not change the size.
    assert __version__ in get("layers.js", STATIC).headers["etag"]


def test_files_may_be_links_into_the_cache_of_an_installer(tmp_path):
    (tmp_path / "layers.js").symlink_to(STATIC / "layers.js")
    assert get("layers.js", tmp_path).status_code == 200


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2Fapp.py", "..%2F..%2F__init__.py", "%2Fetc%2Fpasswd", "", ".", "no.js", "a%00"]
)
def test_no_other_file_can_be_read(path):
    assert get(path, STATIC).status_code == 404
