"""Plot requests and latency against the number of waits.

python -m dev.benchmarks.waiting.plot FILE.json docs/images/waiting.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from dev.benchmarks.waiting.cases import BASELINE, CASES, OURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The background is transparent, and this grey is readable on white and on black.
TEXT_COLOR = "#808890"

CASE_COLORS = {
    OURS: "#e0457b",
    "http": "#3d8fd1",
    "dbt-cloud": "#e08a2e",
    "databricks": "#2fa37c",
    "naive": "#9a7fd1",
}
PANELS = (
    ("requests_per_job_minute", "requests per job-minute"),
    ("latency_p95", "end detected after, p95, s"),
)


def plot(reports: list[dict[str, Any]], target: Path) -> None:
    """Plot the steady part of a run.

    :param reports: the reports in the JSON file
    :param target: SVG file
    """
    # Text remains text, and the same numbers produce the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "waiting", "font.size": 9})
    figure = Figure(figsize=(7.4, 2.9), layout="constrained")
    for axes, (measure, title) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for name in CASES:
            if name != BASELINE:
                _plot_line(
                    axes, name, [report for report in reports if report["spec"]["case"] == name], measure
                )
        _format_axes(axes, title, sorted({report["spec"]["waits"] for report in reports}))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, labelcolor=TEXT_COLOR
    )
    figure.savefig(target, transparent=True, metadata={"Date": None, "Creator": None})


def _plot_line(axes: Axes, name: str, reports: list[dict[str, Any]], measure: str) -> None:
    if not reports:
        return
    axes.plot(
        [report["spec"]["waits"] for report in reports],
        [report["derived"][measure] for report in reports],
        color=CASE_COLORS[name],
        linewidth=2.6 if name == OURS else 1.4,
        marker="o",
        markersize=4,
        zorder=3 if name == OURS else 2,
        label=name,
    )


def _format_axes(axes: Axes, title: str, sizes: list[int]) -> None:
    axes.set_title(title, color=TEXT_COLOR, fontsize=9, loc="left")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("simultaneous waits", color=TEXT_COLOR)
    axes.tick_params(colors=TEXT_COLOR, which="both")
    axes.grid(visible=True, axis="y", color=TEXT_COLOR, alpha=0.25, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(TEXT_COLOR)


def main() -> None:
    """Read the numbers of a run and plot them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", type=Path, help="the file of `dev.benchmarks.waiting --json`")
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    arguments = parser.parse_args()
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    plot(json.loads(arguments.numbers.read_text())["steady"], arguments.picture)


if __name__ == "__main__":
    main()
