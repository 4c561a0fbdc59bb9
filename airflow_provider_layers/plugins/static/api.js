// Fetches the content of the page, and again while the page is visible.
const { useEffect, useState } = globalThis.React;

const PERMISSION_PROBLEMS = {
  401: "You are logged out. Log in to Airflow to see this content.",
  403: "You do not have permission to read the XComs of this DAG, which this page is based on.",
};
const RETRY_SECONDS = 10;

// The UI may unmount the page and mount it again, which then need not start empty.
let cached = { url: null, content: null };

export function pageUrl({ dagId, runId, taskId, mapIndex }) {
  const url = new URL(taskId ? "../task-instance" : "../dag-run", import.meta.url);
  url.searchParams.set("dag_id", dagId);
  url.searchParams.set("run_id", runId);
  if (taskId) {
    url.searchParams.set("task_id", taskId);
    url.searchParams.set("map_index", mapIndex ?? "");
  }
  return url.href;
}

async function fetchContent(url, signal) {
  try {
    const response = await fetch(url, {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
      signal,
    });
    if (response.ok) {
      const content = await response.json();
      return { content, problem: null, refreshAfter: content.refresh_after };
    }
    const permission = PERMISSION_PROBLEMS[response.status];
    return {
      content: null,
      problem: permission ?? `Airflow returned ${response.status}. This page tries again.`,
      // Content from before the user lost the permission must not stay on the page.
      discard: Boolean(permission),
      refreshAfter: permission ? null : RETRY_SECONDS,
    };
  } catch (error) {
    if (error.name === "AbortError") return null;
    return { content: null, problem: "Airflow did not respond. This page tries again.", refreshAfter: RETRY_SECONDS };
  }
}

export function usePageContent(url) {
  const [state, setState] = useState(() => ({
    url,
    content: cached.url === url ? cached.content : null,
    problem: null,
  }));
  useEffect(() => {
    const unmounted = new AbortController();
    let timer = null;
    let due = false;

    async function refresh() {
      due = false;
      const fetched = await fetchContent(url, unmounted.signal);
      if (fetched === null || unmounted.signal.aborted) return;
      setState((before) => {
        const kept = before.url === url && !fetched.discard ? before.content : null;
        cached = { url, content: fetched.content ?? kept };
        return { ...cached, problem: fetched.problem };
      });
      if (fetched.refreshAfter !== null) timer = setTimeout(refreshIfVisible, fetched.refreshAfter * 1000);
    }

    function refreshIfVisible() {
      due = true;
      if (document.visibilityState === "visible") refresh();
    }

    function refreshIfDue() {
      if (due) refreshIfVisible();
    }

    refresh();
    document.addEventListener("visibilitychange", refreshIfDue);
    return () => {
      unmounted.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", refreshIfDue);
    };
  }, [url]);
  return state.url === url ? state : { content: null, problem: null };
}
