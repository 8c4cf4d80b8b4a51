"use strict";
// The station tells its state once a second; pictures are fetched only when there is a newer one.
const PERIOD_MS = 1000;
const COLOURS = ["#4fc46a", "#f2c037", "#ff5d52"];
const VERDICTS = ["pass", "review", "reject"];
const at = (id) => document.getElementById(id);
let shown = null;
let listed = "";
let held = false;

function rows(table, lines, head) {
  table.replaceChildren(...lines.map(({ cells, active }, i) => {
    const row = document.createElement("tr");
    if (active) row.className = "active";
    row.append(...cells.map((text) => {
      const cell = document.createElement(head && i === 0 ? "th" : "td");
      cell.textContent = text;
      return cell;
    }));
    return row;
  }));
}

function mark(pen, width, y, value, colour) {
  pen.strokeStyle = pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(0, y(value));
  pen.lineTo(width, y(value));
  pen.stroke();
  pen.font = "12px system-ui, sans-serif";
  pen.fillText(value.toPrecision(4), 4, y(value) - 4);
}

function draw(history, threshold, review) {
  const canvas = at("history");
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const newest = history.slice(-Math.max(1, Math.floor(width / 4)));
  const scores = newest.map(([, score]) => score).filter((score) => score !== null);
  const top = 1.15 * Math.max(threshold * 1.5, ...scores, 1e-9);
  const y = (score) => height - (height * score) / top;
  newest.forEach(([, score, verdict], i) => {
    const x = width - (newest.length - i) * 4;
    pen.fillStyle = COLOURS[verdict];
    // A part without a score reaches to the top: it was rejected unseen.
    const from = score === null ? 0 : y(score);
    pen.globalAlpha = score === null ? 0.4 : 1;
    pen.fillRect(x, from, 3, Math.max(2, height - from));
  });
  pen.globalAlpha = 1;
  if (review > 0 && review < threshold) mark(pen, width, y, review, COLOURS[1]);
  if (threshold > 0) mark(pen, width, y, threshold, "#8ab4f8");
}

function latencies(all) {
  const names = ["p50", "p95", "p99", "p999", "max"];
  const lines = [{ cells: ["", ...names.map((name) => name.replace("p999", "p99.9"))] }];
  for (const [what, times] of Object.entries(all)) {
    const cells = names.map((name) => (times ? times[name].toFixed(times[name] < 10 ? 2 : 0) : "–"));
    lines.push({ cells: [what.replaceAll("_", " "), ...cells] });
  }
  rows(at("latencies"), lines, true);
}

// The list is made anew only where it has changed, so that a choice that is being made stays.
function recipes(all, inForce) {
  const text = JSON.stringify([all, inForce]);
  if (text === listed) return;
  listed = text;
  at("recipes").hidden = all.length === 0;
  at("recipe").replaceChildren(...all.map(([number, name]) => new Option(`${number} ${name}`, number, false, number === inForce)));
}

function show(state) {
  at("station").textContent = state.station;
  document.title = `${state.station} · crosscheck`;
  at("health").textContent = state.unhealthy || "ok";
  at("health").className = state.unhealthy ? "badge bad" : "badge ok";
  at("overridden").hidden = !state.threshold_overridden;
  at("overridden").textContent = `threshold ${state.threshold.toPrecision(4)} overrides the configured ${state.configured_threshold.toPrecision(4)}`;
  at("rate").textContent = `${state.frames_per_second.toFixed(1)} frames/s, ${state.parts_in_flight} in flight`;
  const last = state.history.at(-1);
  at("score").textContent = last ? `part ${last[0]}: ${last[1] === null ? "none" : last[1].toFixed(4)}, ${VERDICTS[last[2]]}` : "";
  draw(state.history, state.threshold, state.review_threshold);
  rows(at("counts"), Object.entries(state.counts).map((cells) => ({ cells })));
  rows(at("faults"), state.faults.map(({ name, count, active }) => ({ cells: [name.replaceAll("_", " "), count], active })));
  latencies(state.latencies_ms);
  const recipe = state.recipes.find(([number]) => number === state.recipe);
  const under = recipe ? `recipe ${recipe.join(" ")}, ` : "";
  at("about").textContent = `crosscheck ${state.version}, ${under}engine ${state.engine}, up ${state.uptime_s} s`;
  at("actions").hidden = !state.may_act;
  recipes(state.recipes, state.recipe);
  held = state.faults.some(({ name, active }) => name === "held" && active);
  at("hold").textContent = held ? "Release" : "Hold at reject";
  if (state.picture !== null && state.picture !== shown) {
    shown = state.picture;
    at("overlay").src = `/overlay.jpg?part=${shown}`;
    at("frame").src = `/frame.jpg?part=${shown}`;
    at("overlay-caption").textContent = `part ${shown}`;
  }
}

function silent() {
  at("health").textContent = "no answer";
  at("health").className = "badge bad";
}

// The browser connects again by itself after a break.
function listen() {
  let told = performance.now();
  const events = new EventSource("/events");
  events.addEventListener("state", ({ data }) => {
    told = performance.now();
    show(JSON.parse(data));
  });
  events.addEventListener("error", silent);
  setInterval(() => performance.now() - told > 5 * PERIOD_MS && silent(), PERIOD_MS);
}

async function act(path, body) {
  try {
    const headers = { Authorization: `Bearer ${at("token").value}` };
    const answer = await fetch(path, { method: "POST", headers, body });
    const text = await answer.text();
    at("answer").textContent = text;
    // It would let parts pass that do not now: a person decides.
    if (answer.status === 409 && window.confirm(text)) await act(path, `${body} loosen`);
  } catch (error) {
    at("answer").textContent = "no answer";
  }
}

at("actions").addEventListener("submit", (event) => {
  event.preventDefault();
  act("/threshold", at("threshold").value);
});
at("change").addEventListener("click", () => act("/recipe", at("recipe").value));
at("hold").addEventListener("click", () => act("/hold", held ? "off" : "on"));
for (const name of ["acknowledge", "reload"]) {
  at(name).addEventListener("click", () => act(`/${name}`, ""));
}
listen();
