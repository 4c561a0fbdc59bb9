// A card for each container: media, captions, approval, posts and details.
import { Job } from "./jobs.js";
import { Approval, label, Status, Time } from "./labels.js";
import { Media } from "./media.js";
import { Posts } from "./posts.js";
import { Tasks } from "./tasks.js";

const { createElement: h, useId, useState } = globalThis.React;

const PREVIEW_LENGTH = 280;
const UNFINISHED_STATUSES = ["queued", "processing", "generating"];
const UNAVAILABLE = {
  not_found: "Not found: this content was deleted, or belongs to another organization.",
  pending: "Loading…",
  connection_error: "Not loaded.",
};

function Text({ children, ...attributes }) {
  const [open, setOpen] = useState(false);
  const long = children.length > PREVIEW_LENGTH;
  const text = long && !open ? `${children.slice(0, PREVIEW_LENGTH).trimEnd()}…` : children;
  return h(
    "div",
    { className: "lyr-text", ...attributes },
    text,
    long && h("button", { type: "button", onClick: () => setOpen(!open), "aria-expanded": open }, open ? "Less" : "More"),
  );
}

function captionsByText(captions) {
  const grouped = new Map();
  for (const { platform, text } of captions) {
    grouped.set(text, [...(grouped.get(text) ?? []), ...(platform ? [label(platform)] : [])]);
  }
  return [...grouped].map(([text, platforms]) => ({ text, platforms: [...new Set(platforms)] }));
}

function Captions({ content }) {
  return captionsByText(content.captions).map(({ text, platforms }) =>
    h(
      "section",
      { key: text, className: "lyr-caption", "data-testid": "layers-caption" },
      h("h4", null, platforms.length > 0 ? `Caption for ${platforms.join(", ")}` : "Caption"),
      h(Text, null, text),
    ),
  );
}

function FirstComment({ content }) {
  if (!content.first_comment) return null;
  return h(
    "section",
    { className: "lyr-caption", "data-testid": "layers-first-comment" },
    h("h4", null, "First comment"),
    h(Text, null, content.first_comment),
  );
}

function Details({ id, content }) {
  const details = [
    ["Format", content.format && label(content.format)],
    ["Influencer", content.influencer],
    ["Source", content.source],
    ["Created", content.created_at && h(Time, { value: content.created_at })],
    ["Completed", content.completed_at && h(Time, { value: content.completed_at })],
    ["Container", h("code", null, id)],
  ];
  const present = details.filter(([, value]) => value);
  return h(
    "dl",
    { className: "lyr-details" },
    present.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
  );
}

function Unavailable({ entry }) {
  const text = entry.state === "error" ? entry.error : UNAVAILABLE[entry.state];
  const tone = entry.state === "error" ? "lyr-error" : "";
  return h("p", { className: `lyr-unavailable ${tone}`, "data-testid": `layers-${entry.state.replace("_", "-")}` }, text);
}

function Content({ entry, jobs, headingId }) {
  const content = entry.data;
  const unfinished = UNFINISHED_STATUSES.includes(content.status);
  // Content that is unfinished, or failed, cannot be approved or rejected.
  const undecidable = content.approval_status === "pending" && content.status !== "completed";
  const runningJobs = unfinished
    ? jobs.filter((job) => entry.job_ids.includes(job.id) && job.data?.status === "running")
    : [];
  return [
    h(Media, { key: "media", content, unfinished }),
    h(
      "div",
      { key: "body", className: "lyr-body" },
      h("h3", { id: headingId, "data-testid": "layers-hook" }, content.hook ?? label(content.format ?? "Content")),
      h("p", { className: "lyr-badges" }, h(Status, { status: content.status }), h(Approval, { status: undecidable ? null : content.approval_status })),
      content.error && h("p", { className: "lyr-error", role: "note", "data-testid": "layers-error" }, content.error),
      runningJobs.map((job) => h(Job, { key: job.id, entry: job, compact: true })),
      h(Captions, { content }),
      h(FirstComment, { content }),
      h(Posts, { posts: entry.posts }),
      h(Details, { id: entry.id, content }),
      h(Tasks, { entry }),
    ),
  ];
}

export function Card({ entry, jobs }) {
  const headingId = useId();
  return h(
    "article",
    {
      className: "lyr-card",
      "aria-labelledby": headingId,
      "data-testid": "layers-container",
      "data-container-id": entry.id,
      "data-state": entry.state,
    },
    entry.data !== null
      ? h(Content, { entry, jobs, headingId })
      : h(
          "div",
          { className: "lyr-body" },
          h("h3", { id: headingId }, h("code", null, entry.id)),
          h(Unavailable, { entry }),
          h(Posts, { posts: entry.posts }),
          h(Tasks, { entry }),
        ),
  );
}
