"""Resolve the development environments and pin all their packages: ``make constraints``.

It needs a Python of the version that the pins are for, and nothing installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from dev import CHECKOUT

# Requirements of building the package, and dependencies that come without a wheel.
BUILD = ("hatchling", "editables", "setuptools")
ENVIRONMENTS = {
    "dev/constraints/airflow-3.3.txt": ("3.3.2", "lint,bench", BUILD),
    "dev/constraints/airflow-3.3-cluster.txt": ("3.3.2", "cluster", BUILD),
    "dev/constraints/airflow-2.11.txt": ("2.11.2", "test", BUILD),
}
HEADER = """\
# All packages of the {airflow} development environment, resolved on Python {python}.
# To update: make constraints
"""


def resolve(airflow: str, extra: str, further: tuple[str, ...]) -> list[str]:
    """Install everything into a new environment and return its packages, pinned.

    :param airflow: version of Airflow
    :param extra: extras of the package
    :param further: further requirements
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(Path(folder, "bin", "python")), "-m", "pip", "--disable-pip-version-check"]
        requirements = [f"apache-airflow=={airflow}", *further, "-e", f"{CHECKOUT}[{extra}]"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", *requirements], check=True)
        frozen = subprocess.run(
            [*pip, "freeze", "--all", "--exclude", "pip", "--exclude-editable"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    names = (line.partition("==") for line in frozen.splitlines() if "==" in line and line[0] != "#")
    return sorted(f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}" for name, _, version in names)


def main() -> None:
    """Write all constraints files."""
    python = ".".join(map(str, sys.version_info[:2]))
    for file, (airflow, extra, further) in ENVIRONMENTS.items():
        pins = resolve(airflow, extra, further)
        header = HEADER.format(airflow=f"Airflow {airflow}", python=python)
        (CHECKOUT / file).write_text(header + "\n".join(pins) + "\n")
        print(f"{file}: {len(pins)} packages")


if __name__ == "__main__":
    main()
