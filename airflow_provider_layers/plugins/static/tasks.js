// Which tasks a thing comes from.
const { createContext, createElement: h, useContext } = globalThis.React;
const { Link } = globalThis.ReactRouterDOM ?? {};

export const Place = createContext(null);

function pathOf({ dagId, runId }, { task_id: taskId, map_index: mapIndex }) {
  const mapped = mapIndex >= 0 ? `/mapped/${mapIndex}` : "";
  const [dag, run, task] = [dagId, runId, taskId].map(encodeURIComponent);
  return `/dags/${dag}/runs/${run}/tasks/${task}${mapped}/plugin/layers`;
}

function nameOf({ task_id: taskId, map_index: mapIndex }) {
  return mapIndex >= 0 ? `${taskId} [${mapIndex}]` : taskId;
}

export function Tasks({ entry }) {
  const place = useContext(Place);
  // On a task's own page its name is in sight already.
  if (place.taskId || entry.tasks.length === 0) return null;
  return h(
    "p",
    { className: "lyr-tasks", "data-testid": "layers-tasks" },
    h("span", { className: "lyr-quiet-text" }, entry.tasks.length === 1 ? "Task" : "Tasks"),
    entry.tasks.map((task) => {
      const name = nameOf(task);
      return Link ? h(Link, { key: name, to: pathOf(place, task) }, name) : h("span", { key: name }, name);
    }),
  );
}
