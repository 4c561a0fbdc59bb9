// Task instances: links to those that refer to a container, and those that wait for their turn to start.
const { createContext, createElement: h, useContext } = globalThis.React;
const { Link } = globalThis.ReactRouterDOM ?? {};

export const RunContext = createContext(null);

function taskPath({ dagId, runId }, { task_id: taskId, map_index: mapIndex }) {
  const mapped = mapIndex >= 0 ? `/mapped/${mapIndex}` : "";
  const [dag, run, task] = [dagId, runId, taskId].map(encodeURIComponent);
  return `/dags/${dag}/runs/${run}/tasks/${task}${mapped}/plugin/layers`;
}

function taskName({ task_id: taskId, map_index: mapIndex }) {
  return mapIndex >= 0 ? `${taskId} [${mapIndex}]` : taskId;
}

export function Tasks({ entry }) {
  const run = useContext(RunContext);
  // The page of a task instance already shows its name.
  if (run.taskId || entry.tasks.length === 0) return null;
  return h(
    "p",
    { className: "lyr-tasks", "data-testid": "layers-tasks" },
    h("span", { className: "lyr-muted" }, entry.tasks.length === 1 ? "Task" : "Tasks"),
    entry.tasks.map((task) => {
      const name = taskName(task);
      return Link ? h(Link, { key: name, to: taskPath(run, task) }, name) : h("span", { key: name }, name);
    }),
  );
}

// A fleet of hundreds is told in one line: the first and how many more.
export function Waiting({ waiting, isTask }) {
  if (waiting.length === 0) return null;
  const [first, ...others] = waiting;
  const subject = isTask && others.length === 0 ? "Waiting" : `${taskName(first)} is waiting`;
  const more = others.length > 0 ? ` ${others.length} more task instances wait after it.` : "";
  const text = `${subject} for its turn to start, about ${first.ahead} ahead.${more}`;
  return h("p", { className: "lyr-note", role: "status", "data-testid": "layers-waiting" }, text);
}
