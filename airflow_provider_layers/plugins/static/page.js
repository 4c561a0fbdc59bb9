// The page: on a task instance all that it is about, on a Dag run a gallery.
import { Card } from "./cards.js";
import { Job } from "./jobs.js";
import { addressOf, useAnswer } from "./api.js";
import { Posts } from "./posts.js";
import { Place } from "./tasks.js";

const { createElement: h } = globalThis.React;

function Note({ children, testId, tone = "" }) {
  return h("p", { className: `lyr-note ${tone}`, role: "status", "data-testid": testId }, children);
}

function Loading() {
  return h(
    "div",
    { className: "lyr-cards", role: "status", "aria-label": "Loading", "data-testid": "layers-loading" },
    [0, 1, 2].map((index) => h("div", { key: index, className: "lyr-card lyr-shimmer lyr-ghost" })),
  );
}

function Empty({ ofTask, unfinished }) {
  const here = ofTask ? "this task instance" : "this run";
  const text = unfinished
    ? `Nothing from Layers on ${here} yet. It appears here as soon as there is something.`
    : `Nothing from Layers on ${here}.`;
  return h(Note, { testId: "layers-empty", tone: "lyr-empty" }, text);
}

function Rest({ answer }) {
  const more = answer.left_out > 0 && `${answer.left_out} more are not shown.`;
  const cut = answer.cut && "This run has more task instances than are shown here.";
  const text = [more, cut].filter(Boolean).join(" ");
  return text ? h(Note, { testId: "layers-left-out" }, text) : null;
}

function Answer({ answer, ofTask }) {
  // In a gallery the jobs that are still at it are on the cards of what they make.
  const onCards = new Set(answer.containers.flatMap((entry) => (entry.shown ? entry.job_ids : [])));
  const jobs = ofTask ? answer.jobs : answer.jobs.filter((entry) => !onCards.has(entry.id));
  const nothing = answer.jobs.length + answer.containers.length + answer.posts.length === 0;
  if (nothing) return h(Empty, { ofTask, unfinished: answer.again_in !== null });
  return [
    answer.errors.map((text) => h(Note, { key: text, tone: "lyr-trouble", testId: "layers-connection-error" }, text)),
    jobs.map((entry) => h(Job, { key: entry.id, entry })),
    answer.containers.length > 0 &&
      h(
        "div",
        { key: "cards", className: "lyr-cards", "data-count": Math.min(answer.containers.length, 3) },
        answer.containers.map((entry) => h(Card, { key: entry.id, entry, jobs: ofTask ? [] : answer.jobs })),
      ),
    h(Posts, { key: "posts", posts: answer.posts }),
    h(Rest, { key: "rest", answer }),
  ];
}

function Heading({ answer, ofTask }) {
  const count = answer?.containers.length ?? 0;
  const gallery = count === 1 ? "1 piece of content" : `${count} pieces of content`;
  const text = ofTask ? "Layers" : `Layers: ${gallery}`;
  return h("h2", { className: ofTask || count === 0 ? "lyr-hidden" : "" }, text);
}

export function Page({ dagId, runId, taskId, mapIndex }) {
  const { answer, problem } = useAnswer(addressOf({ dagId, runId, taskId, mapIndex }));
  const ofTask = Boolean(taskId);
  return h(
    Place.Provider,
    { value: { dagId, runId, taskId } },
    h(
      "div",
      { className: "lyr", "data-testid": "layers-page", "data-kind": ofTask ? "task-instance" : "dag-run" },
      h(Heading, { answer, ofTask }),
      problem && h(Note, { testId: "layers-problem", tone: "lyr-trouble" }, problem),
      answer && h(Answer, { answer, ofTask }),
      !answer && !problem && h(Loading),
    ),
  );
}
