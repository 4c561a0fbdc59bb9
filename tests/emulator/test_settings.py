import pytest


def test_every_setting_can_be_shown_and_set_to_what_it_is(api):
    shown = api.settings()
    assert shown["job_seconds"] == 60
    assert api.configure(**shown) == shown


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("credits", -1),
        ("tier", "gold"),
        ("job_seconds", [1, 2, 3]),
        ("job_seconds", "90"),
        ("schedule_gate", "open"),
        ("review_policy", "never"),
        ("first_n", 0),
        ("suspended", "me"),
        ("uncancelable_stages", ["sleeping"]),
        ("revision", "newest"),
        ("missing", ["app_icon"]),
        ("publish_secs", 1),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(api, setting, value):
    with pytest.raises(ValueError, match=setting):
        api.configure(**{setting: value})


def test_a_refused_change_changes_nothing(api):
    with pytest.raises(ValueError, match="tier"):
        api.configure(credits=5, tier="gold")
    assert api.settings()["credits"] == 10_000
