// Where content goes out, and when.
import { OutLink } from "./media.js";
import { say, Status, Time } from "./labels.js";

const { createElement: h } = globalThis.React;

function When({ post }) {
  if (post.published_at) return h("span", null, "out since ", h(Time, { moment: post.published_at }));
  if (post.scheduled_for) return h("span", null, "for ", h(Time, { moment: post.scheduled_for }));
  return null;
}

function Post({ entry }) {
  const post = entry.shown;
  const attributes = { "data-testid": "layers-post", "data-post-id": entry.id };
  if (!post) {
    const text = entry.state === "not_found" ? "the API does not know it" : (entry.error ?? "not read yet");
    return h("li", attributes, h("code", null, entry.id), " ", text);
  }
  return h(
    "li",
    attributes,
    h("strong", null, say(post.platform ?? "Post")),
    h(Status, { status: post.status, testId: "layers-post-status" }),
    h(When, { post }),
    post.mode && post.mode !== "publish" && h("span", { className: "lyr-quiet-text" }, say(post.mode)),
    h(OutLink, { url: post.url, "data-testid": "layers-post-link" }, "Open the post"),
    post.error && h("span", { className: "lyr-trouble" }, post.error),
  );
}

export function Posts({ posts, title = "Scheduled posts" }) {
  if (posts.length === 0) return null;
  return h(
    "section",
    { className: "lyr-posts" },
    h("h4", null, title),
    h("ul", null, posts.map((entry) => h(Post, { key: entry.id, entry }))),
  );
}
