// Pictures and films, from wherever the API keeps them.
const { createElement: h, useState } = globalThis.React;

export function safe(url) {
  try {
    return ["http:", "https:"].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}

function withoutQuery(url) {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

export function OutLink({ url, children, ...others }) {
  const href = safe(url);
  const there = { href, target: "_blank", rel: "noopener noreferrer", referrerPolicy: "no-referrer" };
  return href ? h("a", { ...there, ...others }, children) : null;
}

// The same picture may be signed anew at every read; it is loaded anew only if it has to be.
function useSteady(url) {
  const [used, setUsed] = useState(url);
  const [broken, setBroken] = useState(false);
  const failed = () => (used === url ? setBroken(true) : setUsed(url));
  return { used, broken, failed };
}

function Picture({ url, alt }) {
  const { used, broken, failed } = useSteady(url);
  if (broken) return h("div", { className: "lyr-blank", "data-testid": "layers-broken" }, "This picture cannot be loaded.");
  return h(
    OutLink,
    { url: used, className: "lyr-frame", "aria-label": `${alt}. Opens the picture.` },
    h("img", {
      src: used,
      alt,
      loading: "lazy",
      decoding: "async",
      referrerPolicy: "no-referrer",
      onError: failed,
      "data-testid": "layers-picture",
    }),
  );
}

function Film({ url, poster, alt }) {
  const { used, broken, failed } = useSteady(url);
  if (broken && poster) return h(Picture, { url: poster, alt: `${alt} (it cannot be played here)` });
  // The order matters: a source that is known before the rest begins to load.
  return h("video", {
    preload: "none",
    poster,
    controls: true,
    playsInline: true,
    src: used,
    "aria-label": alt,
    onError: failed,
    className: "lyr-frame",
    "data-testid": "layers-video",
  });
}

function Blank({ busy }) {
  const text = busy ? "It is being made." : "There are no pictures.";
  return h("div", { className: `lyr-blank ${busy ? "lyr-shimmer" : ""}`, "data-testid": "layers-no-pictures" }, text);
}

export function Media({ content, busy }) {
  const pictures = content.pictures.map(safe).filter(Boolean);
  const film = safe(content.video);
  const about = content.hook ?? "Content from Layers";
  if (film) {
    const poster = pictures[0];
    return h("div", { className: "lyr-media" }, h(Film, { key: withoutQuery(film), url: film, poster, alt: `Film: ${about}` }));
  }
  if (pictures.length === 0) return h("div", { className: "lyr-media" }, h(Blank, { busy }));
  const place = (index) => (pictures.length === 1 ? "Picture" : `Slide ${index + 1} of ${pictures.length}`);
  return h(
    "ul",
    { className: "lyr-media lyr-strip", "aria-label": pictures.length === 1 ? "Picture" : "Slides" },
    pictures.map((url, index) =>
      h("li", { key: `${index} ${withoutQuery(url)}` }, h(Picture, { url, alt: `${place(index)}: ${about}` })),
    ),
  );
}
