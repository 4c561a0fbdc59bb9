import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def no_other_plugins(monkeypatch):
    """Other packages' plugins take seconds to load, and are not what this is about."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


TESTS = """
import json, os
import httpx

def test_first(layers_api):
    assert json.loads(os.environ["AIRFLOW_CONN_LAYERS_DEFAULT"]) == layers_api.connection
    httpx.get(layers_api.url + "/v1/whoami")
    assert len(layers_api.requests()) == 1
    layers_api.configure(credits=1)

def test_second(layers_api):
    assert layers_api.requests() == []
    assert layers_api.settings()["credits"] == 10_000
    before = layers_api.now()
    layers_api.advance(60)
    assert layers_api.now() != before
"""


def test_each_test_gets_a_fresh_world(pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "airflow_provider_layers.emulator.pytest_plugin", "-q")
    result.assert_outcomes(passed=2)


def test_it_is_not_loaded_unless_asked_for(pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*fixture 'layers_api' not found*"])
