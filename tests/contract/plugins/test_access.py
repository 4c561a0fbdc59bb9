"""Only users who may read the XComs of a DAG see its content."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.plugins.conftest import ui_data

pytestmark = pytest.mark.airflow3

PAGES = ["task-instance", "dag-run"]
HOOK = "An opening line that nobody else may read"


@pytest.fixture
def query(run, content):
    """The parameters of a request for a run of the DAG ``made`` with one container."""
    added = run()
    added.add_task(ui_data(*content(hook=HOOK)["containerIds"]))
    return {**added.query, "task_id": "make"}


def shows_content(response: httpx.Response) -> bool:
    return HOOK in response.text or "cnt_" in response.text


@pytest.fixture
def refused(get, query, reads):
    """Assert that a request is refused, and that nothing is shown or read for it."""
    reads()

    def check(page, status, **parameters):
        response = get(page, **{**query, **parameters})
        assert (response.status_code, shows_content(response), reads()) == (status, False, [])

    return check


@pytest.fixture
def get_with_token(airflow_url, layers_app, query):
    def send(page, token, parameters=query):
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{airflow_url}/layers/{page}", params=parameters, headers=headers, trust_env=False)

    return send


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("user", ["admin", "viewer", "reads-made"])
def test_users_who_may_read_the_dag(page, user, get, query):
    response = get(page, user=user, **query)
    assert (response.status_code, shows_content(response)) == (200, True)


@pytest.mark.parametrize("page", PAGES)
def test_the_cookie_of_a_browser(page, airflow_url, layers_app, token, query):
    cookies = {"_token": token("viewer")}
    response = httpx.get(f"{airflow_url}/layers/{page}", params=query, cookies=cookies, trust_env=False)
    assert (response.status_code, shows_content(response)) == (200, True)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("user", "status"), [(None, 401), ("nobody", 403), ("no-xcoms", 403), ("reads-other", 403)]
)
def test_users_who_may_not_read_the_dag(page, user, status, refused):
    refused(page, status, user=user)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("forgery", ["text", "tampered", "unsigned", "other secret"])
def test_a_forged_token(page, forgery, get_with_token, token, reads):
    import jwt

    valid = token("viewer")
    claims = jwt.decode(valid, options={"verify_signature": False})
    forged = {
        "text": "x",
        "tampered": f"{valid[:-4]}AAAA",
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "other secret": jwt.encode(claims, "x" * 64, algorithm="HS512"),
    }[forgery]
    reads()
    response = get_with_token(page, forged)
    assert response.status_code in (401, 403)
    assert (shows_content(response), reads()) == (False, [])


@pytest.mark.parametrize("page", PAGES)
def test_an_expired_token(page, get_with_token, reads):
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username="viewer", role="viewer")
    expired = get_auth_manager().generate_jwt(user, expiration_time_in_seconds=-3600)
    reads()
    response = get_with_token(page, expired)
    assert (response.status_code, shows_content(response), reads()) == (401, False, [])


@pytest.mark.parametrize("page", PAGES)
def test_a_run_is_not_found_under_another_dag(page, get, run, query, reads):
    other = run("other", run_id="manual__of_other")
    other.add_task(ui_data())
    reads()
    response = get(page, user="reads-other", **{**query, "dag_id": "other"})
    assert (response.status_code, shows_content(response), reads()) == (200, False, [])


@pytest.mark.parametrize("page", PAGES)
def test_runs_of_two_dags_may_have_the_same_id(page, get, run, content, query):
    other = run("other", run_id=query["run_id"])
    (own,) = content(hook="Its own")["containerIds"]
    other.add_task(ui_data(own))
    page_content = get(page, user="reads-other", **{**query, "dag_id": "other"}).json()
    assert [entry["id"] for entry in page_content["containers"]] == [own]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("names", "status"), [(["made", "other"], 200), (["other", "made"], 403)])
def test_of_two_dag_ids_the_permission_is_checked_for_the_one_that_is_shown(
    page, names, status, get_with_token, token, run, query, reads
):
    run("other", run_id=query["run_id"])
    reads()
    rest = [pair for pair in query.items() if pair[0] != "dag_id"]
    response = get_with_token(page, token("reads-other"), [*rest, *(("dag_id", name) for name in names)])
    assert (response.status_code, shows_content(response), reads()) == (status, False, [])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("dag_id", ["~", "", "*", "%", "made\x00", "made\n", None])
@pytest.mark.parametrize("user", ["admin", "viewer"])
def test_no_dag_id_means_all_dags(page, dag_id, user, refused):
    refused(page, 422, dag_id=dag_id, user=user)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("run_id", ["", "made\x00", None])
def test_a_run_id_is_required(page, run_id, refused):
    refused(page, 422, run_id=run_id)
