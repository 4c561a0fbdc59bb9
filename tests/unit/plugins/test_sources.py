from __future__ import annotations

import pytest

from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.settings import TIMEOUT_IN_HASTE
from airflow_provider_layers.plugins.sources import LOOK_UP_AGAIN, MOST, Source, Sources
from tests.unit.plugins.executors import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sources(clock):
    return Sources(clock=clock)


def test_a_connection_and_its_hook(sources, connect, key):
    connect(host="https://api.example.com")
    source = sources.of("layers_default")
    assert source.access.base_url == "https://api.example.com"
    assert source.hook.get_conn() is source.hook.get_conn()
    assert source.hook.settings.access.timeout == TIMEOUT_IN_HASTE, "a person is waiting"
    assert key not in repr(source)


def test_it_is_looked_up_again_after_a_while(sources, connect, clock):
    connect(host="https://one.example.com")
    first = sources.of("layers_default")
    connect(host="https://two.example.com")
    clock.now += LOOK_UP_AGAIN - 0.1
    assert sources.of("layers_default") is first
    clock.now += 0.1
    assert sources.of("layers_default").access.base_url == "https://two.example.com"


def test_one_that_says_the_same_stays_the_same(sources, connect, clock):
    connect()
    first = sources.of("layers_default")
    clock.now += LOOK_UP_AGAIN
    assert sources.of("layers_default") is first, "and its connections stay open"


def test_two_names_of_the_same_are_one(sources, connect):
    connect()
    connect("layers_again")
    assert sources.of("layers_default") is sources.of("layers_again")


def test_two_keys_are_two(sources, connect):
    connect()
    connect("layers_other", password="lp_test_other")
    first, second = sources.of("layers_default"), sources.of("layers_other")
    assert first.access != second.access
    assert first.allowance is not second.allowance


@pytest.mark.parametrize(
    ("extra", "burst"), [({}, 30), ({"poll_budget_rpm": 12}, 12), ({"poll_budget_rpm": 9000}, 30)]
)
def test_what_may_be_asked_through_it(extra, burst, sources, connect, clock):
    connect(extra=extra)
    allowance = sources.of("layers_default").allowance
    assert sum(allowance.take(clock()) for _ in range(100)) == burst


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"conn_type": "http"}, 'The connection "layers_default" is not of type layers.'),
        ({"password": ""}, 'The connection "layers_default" cannot be used as it is filled in.'),
        (
            {"host": "https://a.example/path"},
            'The connection "layers_default" cannot be used as it is filled in.',
        ),
    ],
)
def test_why_one_is_of_no_use(fields, said, sources, connect):
    connect(**fields)
    assert sources.of("layers_default") == said


def test_one_that_is_not_there(sources):
    assert sources.of("nowhere") == 'The connection "nowhere" was not found.'


def test_whatever_a_secrets_backend_raises_is_not_told(sources, monkeypatch, key, caplog):
    def fail(conn_id):
        raise RuntimeError(key)

    monkeypatch.setattr(LayersHook, "get_connection", fail)
    assert sources.of("layers_default") == 'The connection "layers_default" was not found.'
    assert key not in caplog.text


def test_one_of_no_use_is_looked_up_again_too(sources, connect, clock):
    assert isinstance(sources.of("layers_default"), str)
    connect()
    assert isinstance(sources.of("layers_default"), str)
    clock.now += LOOK_UP_AGAIN
    assert isinstance(sources.of("layers_default"), Source)


def test_its_memory_has_an_end(sources):
    for number in range(MOST + 20):
        sources.of(f"nowhere_{number}")
    assert len(sources._known) == MOST
