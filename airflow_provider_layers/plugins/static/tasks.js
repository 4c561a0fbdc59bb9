// Links to the task instances that refer to a container.
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
