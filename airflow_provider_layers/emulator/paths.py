"""Route templates."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=512)
def compile_template(template: str) -> re.Pattern[str]:
    """Return the pattern of a route such as ``/v1/jobs/{job}``; each name is one group."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))
