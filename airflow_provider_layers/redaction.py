"""Removing the API key from what the API returns, before anything else reads it."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any
from urllib.parse import quote

REPLACEMENT = "***"

MIN_LENGTH = 6
"""Characters. A shorter key, which only a test has, would be found in ordinary words."""

_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")


class KeyRedactor:
    """
    Replaces an API key, and its secret part alone, by ``***``, in upper or lower case.

    A key is ``lp_<environment>_<id>_<secret>`` (``concepts/api-keys``); only the last part is secret, and it
    may contain underscores. A key of another form is secret as a whole.

    :param key: the key; it has no ``repr``
    """

    def __init__(self, key: str) -> None:
        parts = key.split("_", 3)
        secrets = [key, parts[3]] if len(parts) == 4 and parts[0] == "lp" else [key]
        forms = {form for secret in secrets if len(secret) >= MIN_LENGTH for form in _forms(secret)}
        # The key before its secret part: the first alternative that matches is replaced.
        longest_first = sorted(forms, key=len, reverse=True)
        # Without a form it matches nothing.
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)
        self._needles = [form.lower().encode() for form in longest_first]

    def text(self, text: str) -> str:
        """Return a text without the key."""
        return self._pattern.sub(REPLACEMENT, text)

    def raw(self, text: bytes) -> bytes:
        """Return a header, name or value, without the key."""
        return self.text(text.decode("latin-1")).encode("latin-1")

    def body(self, content: bytes) -> bytes:
        """
        Return the body of a response without the key.

        In JSON it is found in names and values at any depth, however their characters are escaped.
        """
        lowered = content.lower()
        found = any(needle in lowered for needle in self._needles)
        # A key that is escaped, or encoded in UTF-16, appears only in the decoded text.
        if not found and not _ESCAPED_ASCII.search(lowered) and b"\0" not in content:
            return content
        try:
            value = json.loads(content)
            redacted = self.value(value)
        except (ValueError, RecursionError):
            text = content.decode(json.detect_encoding(content), "replace")
            return self.text(text).encode() if self._pattern.search(text) else content
        return content if redacted == value else json.dumps(redacted).encode()

    def value(self, value: Any) -> Any:
        """Return a JSON value without the key."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(item) for name, item in value.items()}
        return value

    def is_in(self, error: BaseException) -> bool:
        """Return whether an error, or one that it came from, quotes the key."""
        links, seen = [error], set()
        while links:
            link = links.pop()
            if self._pattern.search(f"{link} {link!r}"):
                return True
            seen.add(id(link))
            earlier = (link.__cause__, link.__context__)
            links += [item for item in earlier if item is not None and id(item) not in seen]
        return False


def _forms(secret: str) -> set[str]:
    in_json = json.dumps(secret)[1:-1]
    return {secret, in_json, in_json.replace("/", "\\/"), quote(secret, safe=""), escape(secret)}
