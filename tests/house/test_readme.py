"""The README matches the repository, and so do the other pages."""

from __future__ import annotations

import re

from tests.house.source import CHECKOUT

PAGES = [
    *sorted(CHECKOUT.glob("*.md")),
    *sorted((CHECKOUT / "docs").rglob("*.md")),
    *sorted((CHECKOUT / ".github").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def blocks(path, language):
    return [code for found, code in FENCE.findall(path.read_text()) if found == language]


def anchors(path):
    """Anchors of the headings of a page, as GitHub makes them."""
    prose = FENCE.sub("", path.read_text())
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name(path):
    return str(path.relative_to(CHECKOUT))


def test_python_of_the_pages_runs():
    """A block that imports what it uses is complete and runs; a fragment at least compiles."""
    assert blocks(CHECKOUT / "README.md", "python")
    for path in PAGES:
        for code in blocks(path, "python"):
            compiled = compile(code, name(path), "exec")
            if re.search(r"^(from|import) ", code, re.MULTILINE):
                exec(compiled, {"__name__": "page"})


def test_every_block_of_the_readme_names_its_language():
    assert blocks(CHECKOUT / "README.md", "") == []


def test_every_make_target_of_the_pages_exists():
    targets = set(re.findall(r"^([a-z0-9.-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    unknown = []
    for path in PAGES:
        text = path.read_text()
        code = [block for _, block in FENCE.findall(text)] + re.findall(r"`([^`\n]+)`", text)
        named = {target for part in code for target in re.findall(r"\bmake ([a-z][a-z0-9.-]*)", part)}
        unknown += [f"{name(path)}: make {target}" for target in sorted(named - targets)]
    assert unknown == []


def test_every_local_link_of_the_pages_has_a_target():
    broken = []
    for path in PAGES:
        for target, anchor in LINK.findall(FENCE.sub("", path.read_text())):
            if "://" in target or target.startswith("mailto:"):
                continue
            linked = path.parent / target if target else path
            found = linked.exists() and (not anchor or anchor in anchors(linked))
            broken += [] if found else [f"{name(path)}: {target}#{anchor}"]
    assert broken == []


def test_every_module_that_the_architecture_page_names_exists():
    text = (CHECKOUT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:\.py|/))`", text))
    package = CHECKOUT / "airflow_provider_layers"
    assert named
    assert sorted(module for module in named if not (package / module).exists()) == []
