"""Nobody sees anything but who may read the XComs of that one Dag."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.plugins.conftest import tell

pytestmark = pytest.mark.airflow3

PAGES = ["task-instance", "dag-run"]
HOOK = "An opening line that nobody else may read"


@pytest.fixture
def made(run, content):
    """A run of the Dag ``made`` with one piece of content, and how to ask for it."""
    there = run()
    there.push(tell(*content(hook=HOOK)["containerIds"]))
    return {**there.query, "task_id": "make"}


def shows(answer: httpx.Response) -> bool:
    return HOOK in answer.text or "cnt_" in answer.text


@pytest.fixture
def refused(get, made, reads):
    """Assert that a request is refused, shows nothing and reads nothing."""
    reads()

    def check(page, status, **asked):
        answer = get(page, **{**made, **asked})
        assert (answer.status_code, shows(answer), reads()) == (status, False, [])

    return check


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("user", ["admin", "viewer", "reads-made"])
def test_who_may_read_the_dag_sees_it(page, user, get, made):
    answer = get(page, user=user, **made)
    assert answer.status_code == 200
    assert shows(answer)


@pytest.mark.parametrize("page", PAGES)
def test_the_cookie_of_a_browser_does_too(page, address, layers_app, token, made):
    cookies = {"_token": token("viewer")}
    answer = httpx.get(f"{address}/layers/{page}", params=made, cookies=cookies, trust_env=False)
    assert answer.status_code == 200
    assert shows(answer)


@pytest.mark.parametrize("page", PAGES)
def test_without_credentials(page, refused):
    refused(page, 401, user=None)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("user", ["nobody", "no-xcoms", "reads-other"])
def test_without_permission_on_this_dag(page, user, refused):
    refused(page, 403, user=user)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("bad", ["x", "tampered", "unsigned", "other secret"])
def test_with_a_bad_token(page, bad, address, layers_app, token, made, reads):
    import jwt

    good = token("viewer")
    claims = jwt.decode(good, options={"verify_signature": False})
    reads()
    given = {
        "tampered": f"{good[:-4]}AAAA",
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "other secret": jwt.encode(claims, "x" * 64, algorithm="HS512"),
    }.get(bad, bad)
    headers = {"Authorization": f"Bearer {given}"}
    answer = httpx.get(f"{address}/layers/{page}", params=made, headers=headers, trust_env=False)
    assert answer.status_code in (401, 403)
    assert (shows(answer), reads()) == (False, [])


@pytest.mark.parametrize("page", PAGES)
def test_with_an_expired_token(page, address, layers_app, made, reads):
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username="viewer", role="viewer")
    old = get_auth_manager().generate_jwt(user, expiration_time_in_seconds=-3600)
    reads()
    headers = {"Authorization": f"Bearer {old}"}
    answer = httpx.get(f"{address}/layers/{page}", params=made, headers=headers, trust_env=False)
    assert (answer.status_code, shows(answer), reads()) == (401, False, [])


@pytest.mark.parametrize("page", PAGES)
def test_a_run_is_not_found_under_another_dag(page, get, run, made, reads):
    other = run("other", run_id="manual__of_other")
    other.push(tell())
    reads()
    answer = get(page, user="reads-other", **{**made, "dag_id": "other"})
    assert (answer.status_code, shows(answer), reads()) == (200, False, [])


@pytest.mark.parametrize("page", PAGES)
def test_runs_of_two_dags_with_the_same_id_are_two(page, get, run, content, made, reads):
    other = run("other", run_id=made["run_id"])
    (own,) = content(hook="Its own")["containerIds"]
    other.push(tell(own))
    answer = get(page, user="reads-other", **{**made, "dag_id": "other"}).json()
    assert [one["id"] for one in answer["containers"]] == [own]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("names", [["made", "other"], ["other", "made"]], ids="-".join)
def test_what_is_shown_is_of_the_dag_that_was_asked_about(
    page, names, address, layers_app, token, run, made, reads
):
    run("other", run_id=made["run_id"])
    reads()
    rest = [pair for pair in made.items() if pair[0] != "dag_id"]
    headers = {"Authorization": f"Bearer {token('reads-other')}"}
    asked = [*rest, *(("dag_id", name) for name in names)]
    answer = httpx.get(f"{address}/layers/{page}", params=asked, headers=headers, trust_env=False)
    assert (shows(answer), reads()) == (False, [])
    assert answer.status_code == (403 if names[-1] == "made" else 200)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("dag_id", ["~", "", "*", "%", "made\x00", "made\n", None])
@pytest.mark.parametrize("user", ["admin", "viewer"])
def test_there_is_no_word_for_every_dag(page, dag_id, user, refused):
    refused(page, 422, dag_id=dag_id, user=user)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("run_id", ["", "made\x00", None])
def test_a_run_has_a_name(page, run_id, refused):
    refused(page, 422, run_id=run_id)
