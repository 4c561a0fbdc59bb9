"""Path patterns: route templates, and the globs of faults and of the ledger."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=512)
def compile_template(template: str) -> re.Pattern[str]:
    """Return the pattern of a route such as ``/v1/jobs/{job}``; each name is one group."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


@lru_cache(maxsize=512)
def _compile_glob(glob: str) -> re.Pattern[str]:
    escaped = re.escape(glob).replace(r"\*\*", ".*")
    return re.compile(re.sub(r"\\\*", "[^/]*", escaped))


def matches(glob: str, path: str) -> bool:
    """Tell whether *path* fits *glob*.

    :param glob: ``*`` stands for one part of a path, ``**`` for any number,
        a lone ``*`` for every path.
    :param path: the path of a request, without its query.
    """
    return glob == "*" or _compile_glob(glob).fullmatch(path) is not None
