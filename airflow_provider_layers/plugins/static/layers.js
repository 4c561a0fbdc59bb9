// The component that the Airflow UI shows on a task instance and on a DAG run.
import { Page } from "./page.js";

const stylesheet = new URL("./layers.css", import.meta.url).href;

function loadStylesheet() {
  if (document.querySelector(`link[href="${stylesheet}"]`)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = document.createElement("link");
    Object.assign(link, { rel: "stylesheet", href: stylesheet, onload: resolve, onerror: resolve });
    document.head.append(link);
  });
}

// The UI waits for this module, so the page is never visible without its stylesheet.
await loadStylesheet();

// The UI runs this module only once, and looks the component up under the name of the page first.
globalThis.Layers = Page;
globalThis.AirflowPlugin = Page;
