// The charts over time, from the trace: the rate of rejects by kind, the scores, and the times.
import { ask, at, colour, make } from "/page.js";
import { axes, barOf, clock, day, highlight, momentAt, point } from "/plot.js";
import { word } from "/words.js";

// From the bottom of a bar to its top.
const KINDS = ["colour", "shape", "mismatch", "missing", "excess", "unknown", "no_score"];
const REFRESH_MS = { hour: 10_000, day: 30_000, week: 60_000 };
// What is not read yet is asked for again after this time.
const NEXT_MS = 1500;
// Scores above so many thresholds are cut, so that one of them does not press all others down.
const THRESHOLDS_SHOWN = 4;
const REVIEWED_ALPHA = 0.45;
const CHARTS = { rejects: drawRejects, "scores-over-time": drawScores, "times-over-time": drawTimes };

let chart = null;
let bars = [];
let recorded = false;
let waiting = null;
const marked = {};

const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const kind = (name) => (name === "no_score" ? word("no_score") : word(`kind.${name}`));
const ends = () => ({ from: chart.from_unix_ms, to: chart.to_unix_ms });
const largest = (values) => Math.max(...values.filter((value) => value !== undefined), 0);

function add(to, counts) {
  for (const [name, count] of Object.entries(counts)) to[name] = (to[name] ?? 0) + count;
}

// The cells of each hour of the local time together. An hour of which the first cells are not asked for is left out.
function barsOf({ cells, bar_ms, from_unix_ms }) {
  const found = new Map();
  for (const { from_unix_ms: ms, parts, rejected, reviewed } of cells) {
    const key = barOf(ms, bar_ms);
    if (key < from_unix_ms) continue;
    const bar = found.get(key) ?? { key, to: key + bar_ms, parts: 0, rejected: {}, reviewed: {} };
    bar.parts += parts;
    add(bar.rejected, rejected);
    add(bar.reviewed, reviewed);
    found.set(key, bar);
  }
  return [...found.values()];
}

function period({ key, to }) {
  return chart.span === "week" ? `${day(key)}, ${clock(key)}–${clock(to)}` : `${clock(key)}–${clock(to)}`;
}

function tellBar(bar) {
  const { parts, rejected, reviewed } = bar;
  const list = (counts) => KINDS.filter((name) => counts[name]).map((name) => `${kind(name)} ${counts[name]}`).join(", ");
  const told = (key, counts) => {
    const text = word(key, { parts: sum(counts), share: percent(sum(counts) / parts) });
    return list(counts) ? `${text} (${list(counts)})` : text;
  };
  const review = sum(reviewed) ? `; ${told("bar_reviewed", reviewed)}` : "";
  return `${period(bar)}: ${word("parts_found", { parts })}, ${told("bar_rejected", rejected)}${review}`;
}

function drawRejects(canvas) {
  const shares = bars.map(({ parts, rejected, reviewed }) => (sum(rejected) + sum(reviewed)) / parts);
  const top = Math.min(1, 1.1 * Math.max(0.01, ...shares));
  const frame = axes(canvas, { ...ends(), top, value: (share, step) => percent(share, step < 0.01 ? 1 : 0) });
  const { drawing, x, y } = frame;
  for (const { key, to, parts, rejected, reviewed } of bars) {
    if (key === marked.rejects) highlight(frame, key, to);
    const gap = x(to) - x(key) > 6 ? 1 : 0;
    const [left, width] = [x(key) + gap, x(to) - x(key) - 2 * gap];
    let below = 0;
    for (const [counts, alpha] of [[rejected, 1], [reviewed, REVIEWED_ALPHA]]) {
      for (const name of KINDS.filter((name) => counts[name])) {
        const above = below + counts[name] / parts;
        drawing.fillStyle = colour(`kind-${name}`);
        drawing.globalAlpha = alpha;
        drawing.fillRect(left, y(above), width, y(below) - y(above));
        below = above;
      }
    }
    drawing.globalAlpha = 1;
  }
}

// A line of steps over the cells that have a value; cells that follow each other are joined.
function steps({ drawing, x, y }, of, shade, { dash = [], width = 1.5 } = {}) {
  drawing.strokeStyle = colour(shade);
  drawing.lineWidth = width;
  drawing.setLineDash(dash);
  drawing.beginPath();
  let before = null;
  for (const cell of chart.cells) {
    const value = of(cell);
    if (value === undefined || value === null) continue;
    if (before === cell.from_unix_ms) drawing.lineTo(x(cell.from_unix_ms), y(value));
    else drawing.moveTo(x(cell.from_unix_ms), y(value));
    before = cell.from_unix_ms + chart.cell_ms;
    drawing.lineTo(x(before), y(value));
  }
  drawing.stroke();
  drawing.setLineDash([]);
}

// Fills each cell between two values.
function band({ drawing, x, y }, of, shade) {
  drawing.fillStyle = colour(shade);
  drawing.globalAlpha = 0.25;
  for (const cell of chart.cells) {
    const [low, high] = of(cell) ?? [];
    if (low === undefined) continue;
    const [left, right] = [x(cell.from_unix_ms), x(cell.from_unix_ms + chart.cell_ms)];
    drawing.fillRect(left, y(high), right - left, Math.max(1, y(low) - y(high)));
  }
  drawing.globalAlpha = 1;
}

function mark(frame, id) {
  const key = marked[id];
  if (key !== undefined) highlight(frame, key, key + chart.cell_ms);
}

// The median of the calibration, where the engine in force gave the scores.
const usual = ({ engine }) => (engine === chart.drift.engine ? chart.drift.median_score : null);

function drawScores(canvas) {
  const of = (get) => largest(chart.cells.map(get));
  const threshold = of(({ thresholds }) => thresholds?.[1]);
  const most = of(({ scores }) => scores?.[3]);
  const top = 1.1 * Math.max(threshold, threshold ? Math.min(most, THRESHOLDS_SHOWN * threshold) : most, 1e-9);
  const frame = axes(canvas, { ...ends(), top, value: (score) => String(Number(score.toPrecision(3))) });
  mark(frame, canvas.id);
  band(frame, ({ scores }) => scores && [scores[0], scores[2]], "pass");
  steps(frame, ({ scores }) => scores?.[3], "muted");
  steps(frame, ({ scores }) => scores?.[1], "pass", { width: 2 });
  steps(frame, usual, "review", { dash: [6, 4] });
  steps(frame, ({ thresholds }) => thresholds?.[0], "line");
  steps(frame, ({ thresholds }) => thresholds?.[1], "line");
}

function drawTimes(canvas) {
  const top = 1.15 * Math.max(largest(chart.cells.map(({ times_ms }) => times_ms?.[1])), 1);
  const frame = axes(canvas, { ...ends(), top, value: (ms) => String(Number(ms.toPrecision(3))) });
  mark(frame, canvas.id);
  steps(frame, ({ times_ms }) => times_ms?.[1], "muted");
  steps(frame, ({ times_ms }) => times_ms?.[0], "line", { width: 2 });
}

const number = (value) => String(Number(value.toPrecision(4)));
const ofCell = ({ key, cell }, text) => `${period({ key, to: key + chart.cell_ms })}: ${word("parts_found", cell)}, ${text}`;

function tellScores(item) {
  const { scores, thresholds } = item.cell;
  if (!scores) return ofCell(item, word("no_score"));
  const range = thresholds ? [...new Set(thresholds)].map(number).join("–") : "–";
  return ofCell(item, word("cell_scores", { low: number(scores[0]), median: number(scores[1]), high: number(scores[2]), largest: number(scores[3]), threshold: range }));
}

function tellTimes(item) {
  const { times_ms } = item.cell;
  return ofCell(item, times_ms ? word("cell_times", { median: times_ms[0].toFixed(1), p99: times_ms[1].toFixed(1) }) : word("no_score"));
}

function tellDrift() {
  const { median_score, above_share, usual_share } = chart.drift;
  const [least, most] = usual_share.map((share) => Math.round(100 * share));
  if (median_score === null) return word("drift_unknown");
  if (above_share === null) return word("drift_soon", { least, most });
  const is_usual = above_share >= usual_share[0] && above_share <= usual_share[1];
  const text = word("drift_now", { share: percent(above_share, 0), least, most });
  return is_usual ? text : `${text} ${word("drift_found")}`;
}

function redraw() {
  if (!chart) return;
  for (const [id, draw] of Object.entries(CHARTS)) draw(at(id));
}

function show(told) {
  chart = told;
  bars = barsOf(told);
  at("charts").hidden = false;
  const is_whole = told.known_from_unix_ms === told.from_unix_ms;
  at("charts-told").textContent = is_whole ? "" : word("charts_reading", { from: `${day(told.known_from_unix_ms)}, ${clock(told.known_from_unix_ms)}` });
  at("rejects-title").textContent = word(told.span === "hour" ? "rejects_of_minutes" : "rejects_of_hours");
  at("drift").textContent = tellDrift();
  redraw();
  return is_whole ? REFRESH_MS[told.span] : NEXT_MS;
}

// Asks for the span that is chosen, now and again after a while; not where the station keeps no trace.
async function refresh() {
  clearTimeout(waiting);
  const span = at("span").value;
  let pause = REFRESH_MS.hour;
  try {
    const told = await ask(`/charts.json?span=${span}`);
    // Another span may have been chosen meanwhile.
    if (span !== at("span").value) return;
    pause = show(told);
  } catch (error) {
    at("charts-told").textContent = error.status === 404 ? word("no_trace") : error.message;
    at("span").hidden = error.status === 404;
    if (error.status === 404) return;
  }
  clearTimeout(waiting);
  waiting = setTimeout(refresh, pause);
}

// Shows the rejected parts of a bar on the page of recorded parts.
function review({ key, to }) {
  if (!recorded) return;
  location.assign(`/review?${new URLSearchParams({ verdict: "reject", from_unix_ms: key, to_unix_ms: to })}`);
}

function follow(id, { items, length, tell, open }) {
  const canvas = at(id);
  const within = (ms) => ({ key }) => key <= ms && ms < key + length();
  point(canvas, at(`${id}-pointed`), {
    items,
    find: (offset) => (chart ? items().find(within(momentAt(canvas, offset, ends()))) : undefined),
    tell,
    open,
    mark: (key) => {
      if (marked[id] === key) return;
      marked[id] = key;
      redraw();
    },
  });
}

// Whether there are recorded parts that a bar can lead to.
export function lead(records) {
  recorded = records;
  at("rejects").classList.toggle("leads", records);
}

export function begin() {
  at("kinds").append(...KINDS.flatMap((name) => [make("i", { className: `kind-${name}` }), ` ${kind(name)} `]));
  at("span").replaceChildren(...Object.keys(REFRESH_MS).map((span) => new Option(word(`span.${span}`), span, span === "day", span === "day")));
  at("span").addEventListener("change", refresh);
  const cells = () => (chart?.cells ?? []).map((cell) => ({ key: cell.from_unix_ms, cell }));
  const length = () => chart.cell_ms;
  follow("rejects", { items: () => bars, length: () => chart.bar_ms, tell: tellBar, open: review });
  follow("scores-over-time", { items: cells, length, tell: tellScores });
  follow("times-over-time", { items: cells, length, tell: tellTimes });
  window.addEventListener("resize", redraw);
  refresh();
}
