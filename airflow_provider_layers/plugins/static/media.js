// Pictures and videos, loaded from where the API stores them.
const { createElement: h, useState } = globalThis.React;

function safeUrl(url) {
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

export function ExternalLink({ url, children, ...attributes }) {
  const href = safeUrl(url);
  const target = { href, target: "_blank", rel: "noopener noreferrer", referrerPolicy: "no-referrer" };
  return href ? h("a", { ...target, ...attributes }, children) : null;
}

// Each read may return another signed URL of the same file. The first one is used until it stops working.
function useStableUrl(url) {
  const [src, setSrc] = useState(url);
  const [broken, setBroken] = useState(false);
  const onError = () => (src === url ? setBroken(true) : setSrc(url));
  return { src, broken, onError };
}

function Picture({ url, alt }) {
  const { src, broken, onError } = useStableUrl(url);
  if (broken) {
    return h("div", { className: "lyr-placeholder", "data-testid": "layers-broken" }, "This picture cannot be loaded.");
  }
  return h(
    ExternalLink,
    { url: src, className: "lyr-frame", "aria-label": `${alt}. Open full size.` },
    h("img", {
      src,
      alt,
      loading: "lazy",
      decoding: "async",
      referrerPolicy: "no-referrer",
      onError,
      "data-testid": "layers-picture",
    }),
  );
}

function Video({ url, poster, alt }) {
  const { src, broken, onError } = useStableUrl(url);
  if (broken && poster) return h(Picture, { url: poster, alt: `${alt} (cannot be played here)` });
  // The order matters: `preload` and `poster` must be set before `src` starts loading.
  return h("video", {
    preload: "none",
    poster,
    controls: true,
    playsInline: true,
    src,
    "aria-label": alt,
    onError,
    className: "lyr-frame",
    "data-testid": "layers-video",
  });
}

function Placeholder({ unfinished }) {
  const text = unfinished ? "Generating…" : "No pictures.";
  return h(
    "div",
    { className: `lyr-placeholder ${unfinished ? "lyr-pulse" : ""}`, "data-testid": "layers-no-pictures" },
    text,
  );
}

export function Media({ content, unfinished }) {
  const pictures = content.pictures.map(safeUrl).filter(Boolean);
  const video = safeUrl(content.video);
  const title = content.hook ?? "Content from Layers";
  if (video) {
    const props = { key: withoutQuery(video), url: video, poster: pictures[0], alt: `Video: ${title}` };
    return h("div", { className: "lyr-media" }, h(Video, props));
  }
  if (pictures.length === 0) return h("div", { className: "lyr-media" }, h(Placeholder, { unfinished }));
  const position = (index) => (pictures.length === 1 ? "Picture" : `Slide ${index + 1} of ${pictures.length}`);
  return h(
    "ul",
    { className: "lyr-media lyr-strip", "aria-label": pictures.length === 1 ? "Picture" : "Slides" },
    pictures.map((url, index) =>
      h("li", { key: `${index} ${withoutQuery(url)}` }, h(Picture, { url, alt: `${position(index)}: ${title}` })),
    ),
  );
}
