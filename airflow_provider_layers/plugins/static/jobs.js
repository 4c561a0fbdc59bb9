// A job: its status, stage and progress.
import { durationLabel, label, Status } from "./labels.js";

const { createElement: h } = globalThis.React;

function Progress({ job }) {
  const percent = job.progress === null ? null : Math.round(job.progress * 100);
  const value = percent === null ? {} : { "aria-valuenow": percent };
  const remaining = job.eta_seconds === null ? "" : `, about ${durationLabel(job.eta_seconds)} left`;
  const text = percent === null ? "Running" : `${percent} %${remaining}`;
  return h(
    "div",
    { className: "lyr-progress" },
    h(
      "div",
      {
        className: `lyr-bar ${percent === null ? "lyr-pulse" : ""}`,
        role: "progressbar",
        "aria-label": "Progress of the job",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-valuetext": text,
        "data-testid": "layers-progress",
        ...value,
      },
      h("span", { style: { width: `${percent ?? 0}%` } }),
    ),
    h("span", { className: "lyr-muted", "aria-hidden": true }, text),
  );
}

export function Job({ entry, compact = false }) {
  const job = entry.data;
  const running = job?.status === "running";
  return h(
    "section",
    { className: compact ? "lyr-job lyr-compact" : "lyr-job", "data-testid": "layers-job", "data-job-id": entry.id },
    h(
      "p",
      { className: "lyr-badges" },
      h("strong", { "data-testid": "layers-stage" }, running && job.stage ? label(job.stage) : "Job"),
      job && h(Status, { status: job.status, testId: "layers-job-status" }),
      !compact && job?.kind && h("span", { className: "lyr-muted" }, label(job.kind)),
      !compact && h("code", null, entry.id),
    ),
    running && h(Progress, { job }),
    job?.error && h("p", { className: "lyr-error", role: "note", "data-testid": "layers-job-error" }, job.error),
    !job && h("p", { className: "lyr-unavailable", "data-testid": "layers-job-unavailable" }, unavailableText(entry)),
  );
}

function unavailableText(entry) {
  if (entry.state === "not_found") return "Job not found.";
  if (entry.state === "pending") return "Loading…";
  return entry.error ?? "Not loaded.";
}
