// What charts share: axes of time and of value, and what is pointed at.
import { colour } from "/page.js";

const LEFT = 48, RIGHT = 4, TOP = 10, BOTTOM = 22;
const FONT = "12px system-ui, sans-serif";
const LABEL_WIDTH = 60;
const HOUR_MS = 3_600_000;
// Distances of the labels of time, as minutes or days.
const STEPS = [{ minutes: 10 }, { minutes: 30 }, { minutes: 60 }, { minutes: 180 }, { minutes: 360 }, { minutes: 720 }, { days: 1 }, { days: 2 }];

// A pen for a canvas that is as sharp as the screen, and the size of the canvas.
export function pen(canvas) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const drawing = canvas.getContext("2d");
  drawing.scale(scale, scale);
  drawing.font = FONT;
  return { drawing, width, height };
}

// The least of 1, 2 and 5 times a power of ten that is not below the value.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((factor) => factor * power >= value * 0.999) * power;
}

const language = () => document.documentElement.lang;

export const clock = (ms) => new Date(ms).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const day = (ms) => new Date(ms).toLocaleDateString(language(), { weekday: "short", day: "numeric" });

// The beginning of the bar of local time in which a moment lies.
export function barOf(ms, bar_ms) {
  const time = new Date(ms);
  if (bar_ms < HOUR_MS) return Math.floor(ms / bar_ms) * bar_ms;
  time.setMinutes(0, 0, 0);
  return time.getTime();
}

// Moments with a label between two moments: whole steps of local time, as many as there is room for.
function moments(from, to, width) {
  const length = ({ minutes, days }) => 60_000 * (minutes ?? days * 1440);
  const step = STEPS.find((step) => ((to - from) / length(step)) * LABEL_WIDTH <= width) ?? STEPS.at(-1);
  const found = [];
  const time = new Date(from);
  time.setHours(0, 0, 0, 0);
  while (time.getTime() <= to) {
    if (time.getTime() >= from) found.push(time.getTime());
    if (step.days) time.setDate(time.getDate() + step.days);
    else time.setMinutes(time.getMinutes() + step.minutes);
  }
  return { found, label: step.days ? day : clock };
}

// Draws the axes from one moment to another and from 0 to `top`. Returns what draws within them.
export function axes(canvas, { from, to, top, value }) {
  const { drawing, width, height } = pen(canvas);
  const [right, bottom] = [width - RIGHT, height - BOTTOM];
  const x = (ms) => LEFT + ((right - LEFT) * Math.min(Math.max(ms, from) - from, to - from)) / (to - from);
  const y = (of) => bottom - (bottom - TOP) * Math.min(of / top, 1);
  drawing.lineWidth = 1;
  drawing.textBaseline = "middle";
  drawing.textAlign = "right";
  const step = round(top / 4);
  for (let at = 0; at <= top * 1.001; at += step) {
    drawing.fillStyle = colour("edge");
    drawing.fillRect(LEFT, Math.round(y(at)), right - LEFT, 1);
    drawing.fillStyle = colour("muted");
    drawing.fillText(value(at, step), LEFT - 6, y(at));
  }
  const { found, label } = moments(from, to, right - LEFT);
  drawing.textAlign = "center";
  for (const ms of found) {
    drawing.fillStyle = colour("muted");
    drawing.fillRect(Math.round(x(ms)), bottom, 1, 4);
    const text = label(ms);
    const half = drawing.measureText(text).width / 2;
    drawing.fillText(text, Math.min(Math.max(x(ms), half), width - half), bottom + 13);
  }
  return { drawing, x, y, bottom, top: TOP };
}

// Marks what is pointed at: the time from one moment to another.
export function highlight({ drawing, x, bottom, top }, from, to) {
  drawing.fillStyle = colour("front");
  drawing.globalAlpha = 0.12;
  drawing.fillRect(x(from), top, Math.max(2, x(to) - x(from)), bottom - top);
  drawing.globalAlpha = 1;
}

// The moment at a place of the canvas.
export function momentAt(canvas, offset, { from, to }) {
  return from + ((to - from) * (offset - LEFT)) / (canvas.clientWidth - LEFT - RIGHT);
}

// Lets a person point at one of several items, with the mouse or the arrow keys, and open it with a click or Enter. Each item
// has a `key`. `items()` are those that are drawn, `find(offset)` is the one at a place, `tell(item)` says what it is.
export function point(canvas, output, { items, find, tell, open, mark }) {
  let chosen = null;
  const choose = (item) => {
    chosen = item ?? null;
    output.textContent = chosen ? tell(chosen) : "";
    mark(chosen?.key);
  };
  canvas.addEventListener("pointermove", ({ offsetX }) => choose(find(offsetX)));
  canvas.addEventListener("pointerleave", () => choose(null));
  canvas.addEventListener("blur", () => choose(null));
  canvas.addEventListener("click", ({ offsetX }) => {
    const item = find(offsetX);
    if (item) open?.(item);
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && chosen) open?.(chosen);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = items();
    const at = all.findIndex(({ key }) => key === chosen?.key);
    choose(at < 0 ? all.at(-1) : all[Math.min(Math.max(at + step, 0), all.length - 1)]);
  });
}
