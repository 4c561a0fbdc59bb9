"""Packages of the operating system."""

from __future__ import annotations

import os
import shutil
import subprocess


def install_packages(*packages: str) -> None:
    """Install packages if this is Debian and root permission needs no password; otherwise do nothing."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (as_root and not _succeeds(*as_root, "true")):
        return
    print(f"==> installing {' '.join(packages)}", flush=True)
    apt_get = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq"]
    if _succeeds(*as_root, "apt-get", "update", "-qq"):
        _succeeds(*as_root, *apt_get, "--no-install-recommends", *packages)


def _succeeds(*command: str) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0
