// The station tells its state once a second; pictures are fetched only when there is a newer one.
import { at, authorised, begin, figures, rows } from "/page.js";
import * as charts from "/charts.js";
import { describe, draw, follow } from "/scores.js";
import { word } from "/words.js";

const PERIOD_MS = 1000;
const PICTURES = ["overlay", "frame", "relief"];
let shown = null;
let listed = "";
let held = false;
let told = null;

function latencies(all) {
  const names = ["p50", "p95", "p99", "p999", "max"];
  const lines = [{ cells: ["", ...names.map((name) => name.replace("p999", "p99.9"))] }];
  for (const [what, times] of Object.entries(all)) {
    const cells = names.map((name) => (times ? times[name].toFixed(times[name] < 10 ? 2 : 0) : "–"));
    lines.push({ cells: [word(`latency.${what}`), ...cells] });
  }
  rows(at("latencies"), lines, true);
}

// The list is made anew only where it has changed, so that a choice that is being made stays.
function recipes(all, inForce) {
  const text = JSON.stringify([all, inForce]);
  if (text === listed) return;
  listed = text;
  at("choose-recipe").hidden = all.length === 0;
  at("recipe").replaceChildren(...all.map(([number, name]) => new Option(`${number} ${name}`, number, false, number === inForce)));
}

function defects(all) {
  at("found").hidden = all.length === 0;
  const head = { cells: ["kind", "score", "area", "height", "centre_mm"].map((key) => word(key)) };
  const lines = all.map(({ kind, score, area_mm2, height_mm, centre_mm }) => ({
    cells: [word(`kind.${kind}`), figures(score, 3), figures(area_mm2), figures(height_mm, 2), centre_mm ? centre_mm.map((mm) => mm.toFixed(1)).join(", ") : "–"],
  }));
  rows(at("defects"), [head, ...lines], true);
}

function part(of) {
  if (!of || of.part === shown) return;
  shown = of.part;
  for (const name of PICTURES) at(name).src = `/${name}.jpg?part=${shown}`;
  const named = word(of.identity ? "part_named" : "part", of);
  const verdict = of.verdict ? `, ${word(`verdict.${of.verdict}`)}` : "";
  const recipe = of.recipe ? `, ${word("under_recipe", of)}` : "";
  at("overlay-caption").textContent = named + verdict + recipe;
  for (const name of PICTURES) at(name).alt = `${named}${verdict}`;
  defects(of.defects);
}

function health({ unhealthy, faults }) {
  const active = faults.filter((fault) => fault.active).map(({ name }) => word(`fault.${name}`));
  at("health").textContent = unhealthy ? active.join(", ") || unhealthy : word("ok");
  at("health").className = unhealthy ? "badge bad" : "badge ok";
}

function drawHistory() {
  if (told) draw(at("history"), told.history, told.threshold, told.review_threshold);
}

// Shows a part on the page of recorded parts, where it is called by the number of the start and its own.
function open(part) {
  const session = told?.recording_session;
  if (session) location.assign(`/review#s${String(session).padStart(8, "0")}-${String(part).padStart(10, "0")}`);
}

function show(state) {
  told = state;
  at("station").textContent = state.station;
  document.title = `${state.station} · crosscheck`;
  health(state);
  at("overridden").hidden = !state.threshold_overridden;
  at("overridden").textContent = word("overridden", { threshold: state.threshold.toPrecision(4), configured: state.configured_threshold.toPrecision(4) });
  at("rate").textContent = word("rate", { rate: state.frames_per_second.toFixed(1), parts: state.parts_in_flight });
  const last = state.history.at(-1);
  at("score").textContent = last ? describe(last) : "";
  drawHistory();
  at("history").classList.toggle("leads", state.recording_session !== null);
  charts.lead(state.recording_session !== null);
  rows(at("counts"), Object.entries(state.counts).map(([what, count]) => ({ cells: [word(`count.${what}`), count] })));
  rows(at("faults"), state.faults.map(({ name, count, active }) => ({ cells: [word(`fault.${name}`), count], active })));
  latencies(state.latencies_ms);
  const recipe = state.recipes.find(([number]) => number === state.recipe);
  const under = recipe ? `${word("under_recipe", { recipe: recipe.join(" ") })}, ` : "";
  at("about").textContent = under + word("up", { version: state.version, engine: state.engine, seconds: state.uptime_s });
  recipes(state.recipes, state.recipe);
  held = state.faults.some(({ name, active }) => name === "held" && active);
  at("hold").textContent = word(held ? "release" : "hold");
  part(state.part);
}

function silent() {
  at("health").textContent = word("no_answer");
  at("health").className = "badge bad";
}

// The browser connects again by itself after a break.
function listen() {
  let heard = performance.now();
  const events = new EventSource("/events");
  events.addEventListener("state", ({ data }) => {
    heard = performance.now();
    show(JSON.parse(data));
  });
  events.addEventListener("error", silent);
  setInterval(() => performance.now() - heard > 5 * PERIOD_MS && silent(), PERIOD_MS);
}

async function act(path, body) {
  try {
    at("answer").textContent = (await authorised(path, body)).text;
  } catch (error) {
    at("answer").textContent = word("no_answer");
  }
}

begin();
charts.begin();
follow(at("history"), at("pointed"), open, drawHistory);
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
