import pytest


def ends(api, start, count):
    before = len(api.jobs())
    for _ in range(count):
        start()
    api.advance(600)
    return [job.status for job in api.jobs()[before:]]


def test_outcomes_are_taken_in_order(api, start):
    api.outcome("failed", times=2)
    api.outcome("canceled")
    assert ends(api, start, 4) == ["failed", "failed", "canceled", "completed"]


def test_an_outcome_is_for_its_kind(api, start, clone):
    api.outcome("failed", kind="content_clone_from_post")
    assert ends(api, start, 1) == ["completed"]
    clone()
    api.advance(60)
    assert api.jobs()[-1].status == "failed"


def test_for_ever_until_cleared(api, start):
    api.outcome("failed", times=None)
    assert ends(api, start, 3) == ["failed"] * 3
    api.clear_outcomes()
    assert ends(api, start, 1) == ["completed"]


def test_one_job_can_take_longer(api, start):
    api.outcome("completed", job_seconds=500)
    start(), start()
    api.advance(60)
    assert [job.status for job in api.jobs()] == ["running", "completed"]
    api.advance(440)
    assert api.jobs()[0].status == "completed"


@pytest.mark.parametrize(
    "arguments",
    [{"status": "lost"}, {"status": "failed", "kind": "film"}, {"status": "failed", "error": "x"}],
)
def test_an_outcome_that_makes_no_sense_is_refused(api, arguments):
    with pytest.raises(ValueError, match="VALIDATION"):
        api.outcome(**arguments)
