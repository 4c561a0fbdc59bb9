from __future__ import annotations

import re

import pytest

from airflow_provider_layers.plugins.bundle import read_bundle

BUNDLE = read_bundle()
SCRIPTS = {name: file.content.decode() for name, file in BUNDLE.items() if name.endswith(".js")}


def test_every_file_has_its_type_and_a_name_for_its_content():
    assert {file.media_type for file in BUNDLE.values()} == {"text/javascript", "text/css", "image/svg+xml"}
    assert {"layers.js", "layers.css", "icon.svg", "icon-dark.svg"} <= BUNDLE.keys()
    assert all(re.fullmatch(r'"[0-9a-f]{32}"', file.etag) for file in BUNDLE.values())
    assert len({file.etag for file in BUNDLE.values()}) == len(BUNDLE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_module_that_is_imported_is_there(name):
    assert set(re.findall(r'from "\./([\w.]+)"', SCRIPTS[name])) <= SCRIPTS.keys()


@pytest.mark.parametrize("name", SCRIPTS)
def test_texts_cannot_become_markup(name):
    ways = (
        "dangerouslySetInnerHTML",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    )
    assert [way for way in ways if way in SCRIPTS[name]] == []
    assert "new Function" not in SCRIPTS[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_fetched_from_elsewhere(name):
    assert "://" not in SCRIPTS[name]


def test_there_is_one_place_that_links_and_it_tells_nobody_where_from():
    assert [name for name, text in SCRIPTS.items() if '"a"' in text] == ["media.js"]
    assert 'rel: "noopener noreferrer", referrerPolicy: "no-referrer"' in SCRIPTS["media.js"]
    assert "fetch(" not in "".join(text for name, text in SCRIPTS.items() if name != "looking.js")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_file_can_be_read_in_one_go(name):
    assert len(SCRIPTS[name].splitlines()) <= 250
