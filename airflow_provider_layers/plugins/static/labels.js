// How the API's words are said to people.
const { createElement: h } = globalThis.React;

const NAMES = { tiktok: "TikTok", youtube: "YouTube", linkedin: "LinkedIn", ugc: "UGC" };
const APPROVAL = {
  not_required: ["No approval needed", "quiet"],
  pending: ["Awaits approval", "waiting"],
  approved: ["Approved", "good"],
  rejected: ["Rejected", "bad"],
};
const TONES = {
  completed: "good",
  published: "good",
  failed: "bad",
  canceled: "quiet",
  draft: "waiting",
  draft_in_inbox: "waiting",
};
const UNITS = [
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export function say(word) {
  const spaced = word.replaceAll(/[_-]+/g, " ").trim();
  const named = spaced.replaceAll(/\w+/g, (one) => NAMES[one.toLowerCase()] ?? one);
  return named.charAt(0).toUpperCase() + named.slice(1);
}

export function Badge({ children, tone, testId }) {
  return h("span", { className: `lyr-badge lyr-${tone}`, "data-testid": testId }, children);
}

export function Status({ status, testId = "layers-status" }) {
  return status ? h(Badge, { tone: TONES[status] ?? "busy", testId }, say(status)) : null;
}

export function Approval({ status }) {
  if (!status) return null;
  const [text, tone] = APPROVAL[status] ?? [`Approval: ${say(status)}`, "quiet"];
  return h(Badge, { tone, testId: "layers-approval" }, text);
}

export function Time({ moment }) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  const thisYear = date.getFullYear() === new Date().getFullYear();
  const shown = date.toLocaleString(undefined, {
    year: thisYear ? undefined : "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  });
  return h("time", { dateTime: moment, title: date.toISOString() }, shown);
}

export function duration(seconds) {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  const count = Math.max(1, Math.round(seconds / size));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
