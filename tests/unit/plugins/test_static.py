"""Rules that the scripts of the page keep, so that foreign texts and URLs are safe in them."""

from __future__ import annotations

import re
from importlib.resources import files

FILES = files("airflow_provider_layers.plugins").joinpath("static")
TEXTS = {file.name: file.read_text() for file in FILES.iterdir()}
SCRIPTS = {name: text for name, text in TEXTS.items() if name.endswith(".js")}

UNSAFE = (
    "dangerouslySetInnerHTML",
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
)


def test_the_scripts_import_only_each_other():
    imported = {name: set(re.findall(r'from "([^"]+)"', text)) for name, text in SCRIPTS.items()}
    assert len(SCRIPTS) == 9
    assert {target for targets in imported.values() for target in targets} <= {
        f"./{name}" for name in SCRIPTS
    }


def test_texts_cannot_become_markup():
    assert [(name, way) for name, text in SCRIPTS.items() for way in UNSAFE if way in text] == []


def test_nothing_is_loaded_from_another_host():
    namespace = "http://www.w3.org/2000/svg"
    assert [name for name, text in TEXTS.items() if "://" in text.replace(namespace, "")] == []


def test_links_are_made_in_one_place_and_send_no_referrer():
    assert [name for name, text in SCRIPTS.items() if '"a"' in text] == ["media.js"]
    assert 'rel: "noopener noreferrer", referrerPolicy: "no-referrer"' in SCRIPTS["media.js"]


def test_requests_are_sent_in_one_place_and_only_read():
    assert [name for name, text in SCRIPTS.items() if "fetch(" in text] == ["api.js"]
    assert "method:" not in SCRIPTS["api.js"]


def test_every_class_has_a_style_and_every_style_is_used():
    styled = set(re.findall(r"\.(lyr-[a-z-]+)", TEXTS["layers.css"]))
    used = {name for text in SCRIPTS.values() for name in re.findall(r"lyr-[a-z]+(?:-[a-z]+)*", text)}
    tones = set(re.findall(r'"(success|danger|warning|info|neutral)"', SCRIPTS["labels.js"]))
    assert styled == used | {f"lyr-{tone}" for tone in tones}
