// A card for each piece of content, with everything that is known about it.
import { Job } from "./jobs.js";
import { Media } from "./media.js";
import { Posts } from "./posts.js";
import { Tasks } from "./tasks.js";
import { Approval, say, Status, Time } from "./labels.js";

const { createElement: h, useId, useState } = globalThis.React;

const LONG = 280;
const UNDER_WAY = ["queued", "processing", "generating"];
const UNSHOWN = {
  not_found: "The API does not know this content: it is gone, or belongs to another organization.",
  pending: "Reading…",
  no_connection: "Not read.",
};

function Text({ children, ...others }) {
  const [open, setOpen] = useState(false);
  const long = children.length > LONG;
  const shown = long && !open ? `${children.slice(0, LONG).trimEnd()}…` : children;
  return h(
    "div",
    { className: "lyr-text", ...others },
    shown,
    long && h("button", { type: "button", onClick: () => setOpen(!open), "aria-expanded": open }, open ? "Less" : "More"),
  );
}

function captionsByText(captions) {
  const grouped = new Map();
  for (const { platform, text } of captions) {
    grouped.set(text, [...(grouped.get(text) ?? []), ...(platform ? [say(platform)] : [])]);
  }
  return [...grouped].map(([text, platforms]) => ({ text, platforms: [...new Set(platforms)] }));
}

function Captions({ content }) {
  return captionsByText(content.captions).map(({ text, platforms }) =>
    h(
      "section",
      { key: text, className: "lyr-words", "data-testid": "layers-caption" },
      h("h4", null, platforms.length > 0 ? `Caption for ${platforms.join(", ")}` : "Caption"),
      h(Text, null, text),
    ),
  );
}

function FirstComment({ content }) {
  if (!content.first_comment) return null;
  return h(
    "section",
    { className: "lyr-words", "data-testid": "layers-first-comment" },
    h("h4", null, "First comment"),
    h(Text, null, content.first_comment),
  );
}

function Facts({ id, content }) {
  const facts = [
    ["Format", content.format && say(content.format)],
    ["Influencer", content.influencer],
    ["Made after", content.source],
    ["Created", content.created_at && h(Time, { moment: content.created_at })],
    ["Completed", content.completed_at && h(Time, { moment: content.completed_at })],
    ["Content", h("code", null, id)],
  ];
  const known = facts.filter(([, value]) => value);
  return h(
    "dl",
    { className: "lyr-facts" },
    known.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
  );
}

function Unshown({ entry }) {
  const text = entry.state === "error" ? entry.error : UNSHOWN[entry.state];
  const bad = entry.state === "error" ? "lyr-trouble" : "";
  return h("p", { className: `lyr-unshown ${bad}`, "data-testid": `layers-${entry.state.replace("_", "-")}` }, text);
}

function Shown({ entry, jobs, heading }) {
  const content = entry.shown;
  const busy = UNDER_WAY.includes(content.status);
  // Nobody can decide on what is not there yet, or never will be.
  const undecidable = content.approval_status === "pending" && content.status !== "completed";
  const working = busy ? jobs.filter((job) => entry.job_ids.includes(job.id) && job.shown?.status === "running") : [];
  return [
    h(Media, { key: "media", content, busy }),
    h(
      "div",
      { key: "body", className: "lyr-body" },
      h("h3", { id: heading, "data-testid": "layers-hook" }, content.hook ?? say(content.format ?? "Content")),
      h("p", { className: "lyr-badges" }, h(Status, { status: content.status }), h(Approval, { status: undecidable ? null : content.approval_status })),
      content.error && h("p", { className: "lyr-trouble", role: "note", "data-testid": "layers-error" }, content.error),
      working.map((job) => h(Job, { key: job.id, entry: job, small: true })),
      h(Captions, { content }),
      h(FirstComment, { content }),
      h(Posts, { posts: entry.posts }),
      h(Facts, { id: entry.id, content }),
      h(Tasks, { entry }),
    ),
  ];
}

export function Card({ entry, jobs }) {
  const heading = useId();
  const known = entry.shown !== null;
  return h(
    "article",
    {
      className: "lyr-card",
      "aria-labelledby": heading,
      "data-testid": "layers-container",
      "data-container-id": entry.id,
      "data-state": entry.state,
    },
    known
      ? h(Shown, { entry, jobs, heading })
      : h(
          "div",
          { className: "lyr-body" },
          h("h3", { id: heading }, h("code", null, entry.id)),
          h(Unshown, { entry }),
          h(Posts, { posts: entry.posts }),
          h(Tasks, { entry }),
        ),
  );
}
