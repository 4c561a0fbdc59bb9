// Labels for the values of the API: names, statuses, times and durations.
const { createElement: h } = globalThis.React;

const PROPER_NAMES = { tiktok: "TikTok", youtube: "YouTube", linkedin: "LinkedIn", ugc: "UGC" };
const APPROVAL = {
  not_required: ["No approval needed", "neutral"],
  pending: ["Awaiting approval", "warning"],
  approved: ["Approved", "success"],
  rejected: ["Rejected", "danger"],
};
const STATUS_TONES = {
  completed: "success",
  published: "success",
  failed: "danger",
  canceled: "neutral",
  draft: "warning",
  draft_in_inbox: "warning",
};
const UNITS = [
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export function label(value) {
  const spaced = value.replaceAll(/[_-]+/g, " ").trim();
  const named = spaced.replaceAll(/\w+/g, (word) => PROPER_NAMES[word.toLowerCase()] ?? word);
  return named.charAt(0).toUpperCase() + named.slice(1);
}

function Badge({ children, tone, testId }) {
  return h("span", { className: `lyr-badge lyr-${tone}`, "data-testid": testId }, children);
}

export function Status({ status, testId = "layers-status" }) {
  return status ? h(Badge, { tone: STATUS_TONES[status] ?? "info", testId }, label(status)) : null;
}

export function Approval({ status }) {
  if (!status) return null;
  const [text, tone] = APPROVAL[status] ?? [`Approval: ${label(status)}`, "neutral"];
  return h(Badge, { tone, testId: "layers-approval" }, text);
}

export function Time({ value }) {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return value;
  const thisYear = date.getFullYear() === new Date().getFullYear();
  const text = date.toLocaleString(undefined, {
    year: thisYear ? undefined : "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  });
  return h("time", { dateTime: value, title: date.toISOString() }, text);
}

export function durationLabel(seconds) {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  const count = Math.max(1, Math.round(seconds / size));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
