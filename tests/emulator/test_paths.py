import pytest

from airflow_provider_layers.emulator.faults import matches
from airflow_provider_layers.emulator.paths import compile_template


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*", "/v1/jobs/1/cancel", True),
        ("/v1/jobs/*", "/v1/jobs/1", True),
        ("/v1/jobs/*", "/v1/jobs/1/cancel", False),
        ("/v1/jobs/**", "/v1/jobs/1/cancel", True),
        ("/v1/*/1", "/v1/jobs/1", True),
        ("/v1/projects/*/content", "/v1/projects/p/content/ugc-remix", False),
        ("/v1/job.", "/v1/jobs", False),
        ("/v1/jobs", "/v1/jobs", True),
    ],
)
def test_globs(glob, path, fits):
    assert matches(glob, path) is fits


def test_templates_name_their_parts():
    pattern = compile_template("/v1/content/{container}/assets/{asset}")
    match = pattern.fullmatch("/v1/content/c/assets/a")
    assert match is not None
    assert match.groupdict() == {"container": "c", "asset": "a"}
    assert pattern.fullmatch("/v1/content/c/assets/a/b") is None
