// How far a job is.
import { duration, say, Status } from "./labels.js";

const { createElement: h } = globalThis.React;

function Progress({ job }) {
  const percent = job.progress === null ? null : Math.round(job.progress * 100);
  const known = percent === null ? {} : { "aria-valuenow": percent };
  const left = job.eta_seconds === null ? "" : `, about ${duration(job.eta_seconds)} left`;
  const text = percent === null ? "Under way" : `${percent} %${left}`;
  return h(
    "div",
    { className: "lyr-progress" },
    h(
      "div",
      {
        className: `lyr-bar ${percent === null ? "lyr-shimmer" : ""}`,
        role: "progressbar",
        "aria-label": "Progress of the job",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-valuetext": text,
        "data-testid": "layers-progress",
        ...known,
      },
      h("span", { style: { width: `${percent ?? 0}%` } }),
    ),
    h("span", { className: "lyr-quiet-text", "aria-hidden": true }, text),
  );
}

export function Job({ entry, small = false }) {
  const job = entry.shown;
  const running = job?.status === "running";
  return h(
    "section",
    { className: small ? "lyr-job lyr-small" : "lyr-job", "data-testid": "layers-job", "data-job-id": entry.id },
    h(
      "p",
      { className: "lyr-badges" },
      h("strong", { "data-testid": "layers-stage" }, running && job.stage ? say(job.stage) : "Job"),
      job && h(Status, { status: job.status, testId: "layers-job-status" }),
      !small && job?.kind && h("span", { className: "lyr-quiet-text" }, say(job.kind)),
      !small && h("code", null, entry.id),
    ),
    running && h(Progress, { job }),
    job?.error && h("p", { className: "lyr-trouble", role: "note", "data-testid": "layers-job-error" }, job.error),
    !job && h("p", { className: "lyr-unshown", "data-testid": "layers-job-unknown" }, said(entry)),
  );
}

function said(entry) {
  if (entry.state === "not_found") return "The API does not know this job.";
  if (entry.state === "pending") return "Reading…";
  return entry.error ?? "Not read.";
}
