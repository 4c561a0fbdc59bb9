import pytest

from airflow_provider_layers.emulator import checks


def issues(rule, value):
    found = []
    rule(value, "x", found)
    return [issue["message"] for issue in found]


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (checks.text(1, 3), ["a", "abc"], ["", "abcd", 1, None]),
        (checks.text(1, pattern="a+", means="letters a"), ["aa"], ["ab"]),
        (checks.integer(1, 5), [1, 5], [0, 6, 1.0, True, "1", None]),
        (checks.number(0), [0, 1.5], [-1, True, "1"]),
        (checks.one_of("a", "b"), ["a"], ["c", None, 1, ["a"]]),
        (checks.array(checks.text(1), 1, 2), [["a"], ["a", "b"]], [[], ["a", "b", "c"], [""], "a"]),
        (checks.optional(checks.integer(1)), [None, 1], [0]),
        (checks.boolean, [True, False], [0, "true", None]),
        (checks.any_object, [{}, {"a": 1}], [[], None]),
        (checks.moment, ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00+01:00", 1]),
        (checks.id_of("inf"), ["254a4ce1-f4ca-42b1-9e36-17ca45ef3d39"], ["inf_1", 1]),
    ],
)
def test_rules(rule, good, bad):
    assert [value for value in good if issues(rule, value)] == []
    assert [value for value in bad if not issues(rule, value)] == []


def test_a_shape_names_every_fault_with_its_path():
    shape = checks.Shape({"a": checks.Shape({"camelCase": checks.integer(1)}, ("camelCase",))}, ("b",))
    found = []
    shape({"a": {"camel_case": 1}, "c": 2}, "", found)
    assert {issue["path"]: issue["message"] for issue in found} == {
        "a.camel_case": "unknown field; did you mean camelCase?",
        "a.camelCase": "is required",
        "c": "unknown field; the fields are a",
        "b": "is required",
    }
