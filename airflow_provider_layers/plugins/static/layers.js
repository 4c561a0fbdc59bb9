// The component that the Airflow UI shows on a task instance and on a Dag run.
import { Page } from "./page.js";

const stylesheet = new URL("./layers.css", import.meta.url).href;

function styled() {
  if (document.querySelector(`link[href="${stylesheet}"]`)) return Promise.resolve();
  return new Promise((done) => {
    const link = document.createElement("link");
    Object.assign(link, { rel: "stylesheet", href: stylesheet, onload: done, onerror: done });
    document.head.append(link);
  });
}

// The UI waits for this module, so that the page is never seen without its style.
await styled();

// The UI looks for the component under the name of the page first, and runs this module only once.
globalThis.Layers = Page;
globalThis.AirflowPlugin = Page;
