"""Below Airflow 3 only the plugin itself can be imported."""

from __future__ import annotations

from airflow.version import version

collect_ignore = (
    []
    if int(version.partition(".")[0]) >= 3
    else ["test_app.py", "test_loader.py", "test_pages.py", "test_queries.py", "test_review_media.py"]
)
