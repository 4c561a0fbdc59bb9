"""The browser of this machine: where it is, and how it gets there. ``python -m dev.chromium`` installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

VARIABLE = "CHROMIUM"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# Chromium depends on no particular fonts. These have the widths of those that pages ask for, and the emoji.
PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-color-emoji")
NONE_FOUND = (
    "No Chromium was found for the tests in a browser. On Debian: "
    f"sudo apt-get install --no-install-recommends {' '.join(PACKAGES)}. "
    f"Elsewhere install Chromium or Chrome, or name one: {VARIABLE}=/path/to/chrome make test"
)


def find_chromium() -> str | None:
    """Return the path of Chromium or Chrome, or None. The environment variable CHROMIUM wins."""
    named = os.environ.get(VARIABLE)
    return next(filter(None, map(shutil.which, [named] if named else NAMES)), None)


def is_required() -> bool:
    """Tell whether tests without a browser have to fail: where nobody reads what was skipped."""
    return bool(os.environ.get("CI")) or os.environ.get("LAYERS_BROWSER") == "required"


def install() -> None:
    """Install Chromium if this is Debian and nobody has to be asked for a password; say nothing if not."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (as_root and not _succeeds(*as_root, "true")):
        return
    print(f"==> installing {' '.join(PACKAGES)}", flush=True)
    quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq"]
    if _succeeds(*as_root, "apt-get", "update", "-qq"):
        _succeeds(*as_root, *quietly, "--no-install-recommends", *PACKAGES)


def _succeeds(*command: str) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def main() -> None:
    """Make sure of a browser, or say how to get one."""
    if find_chromium() is None and not os.environ.get(VARIABLE):
        install()
    if find_chromium() is None:
        print(NONE_FOUND, file=sys.stderr)


if __name__ == "__main__":
    main()
