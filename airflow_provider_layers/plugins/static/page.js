// The page: on a task instance everything that it refers to, on a DAG run a gallery.
import { pageUrl, usePageContent } from "./api.js";
import { Card } from "./cards.js";
import { Job } from "./jobs.js";
import { Posts } from "./posts.js";
import { RunContext, Waiting } from "./tasks.js";

const { createElement: h } = globalThis.React;

function Note({ children, testId, tone = "" }) {
  return h("p", { className: `lyr-note ${tone}`, role: "status", "data-testid": testId }, children);
}

function Loading() {
  return h(
    "div",
    { className: "lyr-cards", role: "status", "aria-label": "Loading", "data-testid": "layers-loading" },
    [0, 1, 2].map((index) => h("div", { key: index, className: "lyr-card lyr-pulse lyr-skeleton" })),
  );
}

function Empty({ isTask, unfinished }) {
  const place = isTask ? "this task instance" : "this run";
  const text = unfinished
    ? `No Layers content in ${place} yet. This page updates when there is some.`
    : `No Layers content in ${place}.`;
  return h(Note, { testId: "layers-empty", tone: "lyr-empty" }, text);
}

function Omitted({ content }) {
  const omitted = content.omitted > 0 && `${content.omitted} more are not shown.`;
  const truncated = content.truncated && "This run has more task instances than are shown here.";
  const text = [omitted, truncated].filter(Boolean).join(" ");
  return text ? h(Note, { testId: "layers-omitted" }, text) : null;
}

function Content({ content, isTask }) {
  // In a gallery, a job whose content has a card is shown on that card.
  const onCards = new Set(content.containers.flatMap((entry) => (entry.data ? entry.job_ids : [])));
  const jobs = isTask ? content.jobs : content.jobs.filter((entry) => !onCards.has(entry.id));
  const { waiting, containers, posts } = content;
  const empty = waiting.length + content.jobs.length + containers.length + posts.length === 0;
  if (empty) return h(Empty, { isTask, unfinished: content.refresh_after !== null });
  return [
    content.errors.map((text) => h(Note, { key: text, tone: "lyr-error", testId: "layers-connection-error" }, text)),
    h(Waiting, { key: "waiting", waiting, isTask }),
    jobs.map((entry) => h(Job, { key: entry.id, entry })),
    content.containers.length > 0 &&
      h(
        "div",
        { key: "cards", className: "lyr-cards", "data-count": Math.min(content.containers.length, 3) },
        content.containers.map((entry) => h(Card, { key: entry.id, entry, jobs: isTask ? [] : content.jobs })),
      ),
    h(Posts, { key: "posts", posts: content.posts }),
    h(Omitted, { key: "omitted", content }),
  ];
}

function Heading({ content, isTask }) {
  const count = content?.containers.length ?? 0;
  const gallery = count === 1 ? "1 piece of content" : `${count} pieces of content`;
  const text = isTask ? "Layers" : `Layers: ${gallery}`;
  return h("h2", { className: isTask || count === 0 ? "lyr-visually-hidden" : "" }, text);
}

export function Page({ dagId, runId, taskId, mapIndex }) {
  const { content, problem } = usePageContent(pageUrl({ dagId, runId, taskId, mapIndex }));
  const isTask = Boolean(taskId);
  return h(
    RunContext.Provider,
    { value: { dagId, runId, taskId } },
    h(
      "div",
      { className: "lyr", "data-testid": "layers-page", "data-kind": isTask ? "task-instance" : "dag-run" },
      h(Heading, { content, isTask }),
      problem && h(Note, { testId: "layers-problem", tone: "lyr-error" }, problem),
      content && h(Content, { content, isTask }),
      !content && !problem && h(Loading),
    ),
  );
}
