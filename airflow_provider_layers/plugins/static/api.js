// Asking Airflow what there is to see, again and again while somebody looks.
const { useEffect, useState } = globalThis.React;

const PROBLEMS = {
  401: "You are logged out. Log in to Airflow to see what Layers made.",
  403: "You may not read the XComs of this Dag, and what Layers made is found through them.",
};
const RETRY_SECONDS = 10;

// The UI may take the page down and put it up again; it need not begin empty then.
let last = { address: null, answer: null };

export function addressOf({ dagId, runId, taskId, mapIndex }) {
  const address = new URL(taskId ? "../task-instance" : "../dag-run", import.meta.url);
  address.searchParams.set("dag_id", dagId);
  address.searchParams.set("run_id", runId);
  if (taskId) {
    address.searchParams.set("task_id", taskId);
    address.searchParams.set("map_index", mapIndex ?? "");
  }
  return address.href;
}

async function ask(address, signal) {
  try {
    const response = await fetch(address, {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
      signal,
    });
    if (response.ok) {
      const answer = await response.json();
      return { answer, problem: null, seconds: answer.again_in };
    }
    const known = PROBLEMS[response.status];
    const problem = known ?? `Airflow answered ${response.status}. This page tries again.`;
    // What was seen before is no longer for these eyes.
    return { answer: null, problem, forget: Boolean(known), seconds: known ? null : RETRY_SECONDS };
  } catch (error) {
    if (error.name === "AbortError") return null;
    return { answer: null, problem: "Airflow did not answer. This page tries again.", seconds: RETRY_SECONDS };
  }
}

export function useAnswer(address) {
  const [seen, setSeen] = useState(() => ({
    address,
    answer: last.address === address ? last.answer : null,
    problem: null,
  }));
  useEffect(() => {
    const ended = new AbortController();
    let timer = null;
    let due = false;

    async function look() {
      due = false;
      const found = await ask(address, ended.signal);
      if (found === null || ended.signal.aborted) return;
      setSeen((before) => {
        const kept = before.address === address && !found.forget ? before.answer : null;
        last = { address, answer: found.answer ?? kept };
        return { ...last, problem: found.problem };
      });
      if (found.seconds !== null) timer = setTimeout(lookIfSeen, found.seconds * 1000);
    }

    function lookIfSeen() {
      due = true;
      if (document.visibilityState === "visible") look();
    }

    function lookIfDue() {
      if (due) lookIfSeen();
    }

    look();
    document.addEventListener("visibilitychange", lookIfDue);
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", lookIfDue);
    };
  }, [address]);
  return seen.address === address ? seen : { answer: null, problem: null };
}
