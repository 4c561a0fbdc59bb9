"""Resolve the development environments anew and pin what came out: ``make constraints``.

Runs on any Python that the pins are to serve, without the package being installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
# What building the package, or a dependency that comes without a wheel, asks for.
BUILD = ("hatchling", "editables", "setuptools")
ENVIRONMENTS = {
    "dev/constraints/airflow-3.3.txt": ("3.3.2", "lint,bench", BUILD),
    "dev/constraints/airflow-2.11.txt": ("2.11.2", "test", BUILD),
}
HEADER = """\
# Every package of the {airflow} development environment, made on Python {python}.
# To take newer versions: make constraints
"""


def resolve(airflow: str, extra: str, also: tuple[str, ...]) -> list[str]:
    """Install everything into a new environment and return what it holds, pinned.

    :param airflow: the version of Airflow
    :param extra: the package's extras to install
    :param also: further requirements
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(Path(folder, "bin", "python")), "-m", "pip", "--disable-pip-version-check"]
        wanted = [f"apache-airflow=={airflow}", *also, "-e", f"{CHECKOUT}[{extra}]"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", *wanted], check=True)
        frozen = subprocess.run(
            [*pip, "freeze", "--all", "--exclude", "pip", "--exclude-editable"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    names = (line.partition("==") for line in frozen.splitlines() if "==" in line and line[0] != "#")
    return sorted(f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}" for name, _, version in names)


def main() -> None:
    """Write both constraints files."""
    python = ".".join(map(str, sys.version_info[:2]))
    for file, (airflow, extra, also) in ENVIRONMENTS.items():
        pins = resolve(airflow, extra, also)
        header = HEADER.format(airflow=f"Airflow {airflow}", python=python)
        (CHECKOUT / file).write_text(header + "\n".join(pins) + "\n")
        print(f"{file}: {len(pins)} packages")


if __name__ == "__main__":
    main()
