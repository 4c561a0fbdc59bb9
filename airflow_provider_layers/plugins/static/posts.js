// Scheduled posts: platform, status and date.
import { label, Status, Time } from "./labels.js";
import { ExternalLink } from "./media.js";

const { createElement: h } = globalThis.React;

function PostTime({ post }) {
  if (post.published_at) return h("span", null, "published ", h(Time, { value: post.published_at }));
  if (post.scheduled_for) return h("span", null, "scheduled for ", h(Time, { value: post.scheduled_for }));
  return null;
}

function Post({ entry }) {
  const post = entry.data;
  const attributes = { "data-testid": "layers-post", "data-post-id": entry.id };
  if (!post) {
    const text = entry.state === "not_found" ? "not found" : (entry.error ?? "not loaded yet");
    return h("li", attributes, h("code", null, entry.id), " ", text);
  }
  return h(
    "li",
    attributes,
    h("strong", null, label(post.platform ?? "Post")),
    h(Status, { status: post.status, testId: "layers-post-status" }),
    h(PostTime, { post }),
    post.mode && post.mode !== "publish" && h("span", { className: "lyr-muted" }, label(post.mode)),
    h(ExternalLink, { url: post.url, "data-testid": "layers-post-link" }, "Open the post"),
    post.error && h("span", { className: "lyr-error" }, post.error),
  );
}

export function Posts({ posts }) {
  if (posts.length === 0) return null;
  return h(
    "section",
    { className: "lyr-posts" },
    h("h4", null, "Scheduled posts"),
    h("ul", null, posts.map((entry) => h(Post, { key: entry.id, entry }))),
  );
}
