// Clocks count on in working time. The server says how much was left at `data-at`, and when its calendar is open;
// what has passed since is the open time between then and now. Without scripts the words of the server stand.

const EVERY_MS = 15_000;
const EVERY_MS_NEAR = 1_000;
const NEAR_SECONDS = 90;
const RUNNING = new Set(["running", "soon", "missed"]);

const body = document.body;
const patterns = JSON.parse(body.dataset.clockPatterns || "{}");
// By how much this machine's clock differs from the server's.
const offsetSeconds = Number(body.dataset.serverNow || Date.now() / 1000) - Date.now() / 1000;

function fill(pattern, values) {
  return pattern.replace(/%\((\w+)\)(?:0(\d))?[ds]/g, (_, name, width) =>
    width ? String(values[name]).padStart(Number(width), "0") : String(values[name]),
  );
}

function duration(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  let size = "hours_minutes";
  if (whole < 60) size = "seconds";
  else if (whole < 3600) size = "minutes";
  else if (minutes === 0 || whole >= 86400) size = "hours";
  return fill(patterns[size], { hours, minutes, seconds: whole });
}

function openIntervals(key) {
  const holders = key ? document.querySelectorAll(`[data-open-hours="${CSS.escape(key)}"]`) : [];
  const holder = holders[holders.length - 1];
  return holder ? JSON.parse(holder.dataset.intervals) : null;
}

function openSeconds(intervals, from, to) {
  let sum = 0;
  for (const [start, end] of intervals) {
    sum += Math.max(0, Math.min(end, to) - Math.max(start, from));
  }
  return sum;
}

function statusOf(left, target, warnShare) {
  if (left <= 0) return "missed";
  return left <= target * (1 - warnShare) ? "soon" : "running";
}

function show(clock, status, left, target) {
  const words = fill(status === "missed" ? patterns.late : patterns.left, { duration: duration(left) });
  const text = clock.querySelector("[data-clock-text]");
  if (text.textContent !== words) text.textContent = words;
  const before = clock.dataset.state;
  if (before !== status) {
    clock.dataset.state = status;
    clock.classList.replace(`status-${before}`, `status-${status}`);
    clock.querySelector("use").setAttribute("href", `#mark-${status}`);
    const said = status === "missed" ? patterns.missed_said : patterns.soon_said;
    if (clock.dataset.name) say(fill(said, { name: clock.dataset.name }));
  }
  const meter = clock.closest(".clock")?.querySelector(".meter");
  if (!meter) return;
  meter.setAttribute("class", `meter meter-${status}`);
  const gone = status === "missed" ? 1 : Math.min(Math.max(1 - left / target, 0), 1);
  meter.querySelector(".meter-fill").setAttribute("width", `${(gone * 100).toFixed(2)}%`);
  if (status === "missed") showNotch(meter, Math.min(Math.max(target / (target - left), 0.08), 0.96));
}

function showNotch(meter, share) {
  meter.querySelector(".meter-tick")?.remove();
  let notch = meter.querySelector(".meter-notch");
  if (!notch) {
    notch = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ class: "meter-notch", y: 1, width: 2, height: 6 })) notch.setAttribute(name, value);
    meter.append(notch);
  }
  notch.setAttribute("x", `${(share * 100).toFixed(2)}%`);
}

function say(text) {
  document.dispatchEvent(new CustomEvent("baton:say", { detail: text }));
}

let timer = 0;

function tick() {
  const now = Date.now() / 1000 + offsetSeconds;
  const known = new Map();
  let isNear = false;
  for (const clock of document.querySelectorAll("[data-clock][data-working-seconds-left]")) {
    const { state, at, hours, workingSecondsLeft, targetSeconds, warnShare } = clock.dataset;
    if (!RUNNING.has(state)) continue;
    if (!known.has(hours)) known.set(hours, openIntervals(hours));
    const intervals = known.get(hours);
    if (!intervals) continue;
    const left = Number(workingSecondsLeft) - openSeconds(intervals, Number(at), now);
    const target = Number(targetSeconds);
    if (Math.abs(left) < NEAR_SECONDS) isNear = true;
    show(clock, statusOf(left, target, Number(warnShare)), left, target);
  }
  clearTimeout(timer);
  timer = setTimeout(tick, isNear ? EVERY_MS_NEAR : EVERY_MS);
}

tick();
document.addEventListener("htmx:afterSettle", tick);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) tick();
});
