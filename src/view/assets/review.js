// Recorded parts, page by page; what a person says of each; and what follows from that.
import * as brush from "/brush.js";
import { ask, at, begin, figures, make, rows, send } from "/page.js";
import * as revise from "/revise.js";
import { word } from "/words.js";

const KINDS = ["colour", "shape", "mismatch", "missing", "excess"];
const PICTURES = ["photograph", "overlay", "relief", "distance_rgb", "distance_xyz"];
const PER_PAGE = 60;
let listed = [];
// The place of the open part in the list; none is listed there if it was opened by its name.
let open = -1;
let named = null;
let summary = null;

const path = (name, what) => `/parts/${encodeURIComponent(name)}/${what}`;

function refused(text) {
  at("refused").textContent = text;
}

// What the filter asks for, as a query.
function query(after) {
  const asked = new URLSearchParams({ count: PER_PAGE });
  for (const [name, value] of new FormData(at("filter"))) {
    if (value === "") continue;
    const isTime = name === "from" || name === "to";
    asked.set(isTime ? `${name}_unix_ms` : name, isTime ? new Date(value).getTime() : value);
  }
  if (after) asked.set("after", after);
  return asked;
}

function card(part, i) {
  const picture = make("img", { src: path(part.name, "thumbnail"), alt: "", loading: "lazy" });
  const score = part.score === null ? word("none") : part.score.toFixed(3);
  const finding = part.finding ? ` · ${word(`found.${part.finding.opinion}`)}` : "";
  const text = `${word("part", part)} · ${score}${part.kind ? ` · ${word(`kind.${part.kind}`)}` : ""}${finding}`;
  const button = make("button", { type: "button", className: `card ${part.verdict}` }, picture, make("span", { textContent: text }));
  button.addEventListener("click", () => show(i));
  return make("li", {}, button);
}

async function list(after) {
  const page = await ask(`/parts.json?${query(after)}`);
  if (!after) {
    listed = [];
    at("gallery").replaceChildren();
  }
  const before = listed.length;
  listed.push(...page.parts);
  at("gallery").append(...page.parts.map((part, i) => card(part, before + i)));
  at("more").hidden = page.next === null;
  at("reviewed").textContent = page.total === null ? "" : word("parts_found", { parts: page.total });
}

const show = (i) => showPart(listed[i].name);

async function showPart(name) {
  const { record, finding } = await ask(path(name, "record"));
  named = name;
  open = listed.findIndex((part) => part.name === name);
  history.replaceState(null, "", `#${name}`);
  at("part-name").textContent = record.identity ? word("part_named", record) : word("part", record);
  const score = figures(record.score, 4);
  at("part-verdict").textContent = `${word(`verdict.${record.verdict}`)} · ${score} · ${word("threshold")} ${figures(record.threshold, 4)}`;
  for (const picture of PICTURES) at(`part-${picture}`).src = path(name, picture);
  const head = { cells: ["kind", "score", "area", "height"].map((key) => word(key)) };
  const found = (record.defects ?? []).map((defect) => ({ cells: [word(`kind.${defect.kind}`), figures(defect.score, 3), figures(defect.area_mm2), figures(defect.height_mm, 2)] }));
  rows(at("part-defects"), found.length ? [head, ...found] : [], true);
  at("say-kind").value = finding?.kind ?? "";
  at("said").textContent = finding ? word("said", { opinion: word(`found.${finding.opinion}`), by: finding.by || "–" }) : "";
  at("previous").disabled = !hasPrevious();
  at("next").disabled = !hasNext();
  if (!at("part").open) at("part").showModal();
  await brush.load(at("part-photograph"), path(name, "mask"));
}

const hasPrevious = () => open > 0;
const hasNext = () => open >= 0 && open < listed.length - 1;

// Opens the part that the address names, and says so where there is no such part.
async function showNamed() {
  const name = location.hash.slice(1);
  if (name === "" || name === named) return;
  try {
    await showPart(name);
    refused("");
  } catch (error) {
    refused(error.status === 404 ? word("not_recorded", { part: Number(name.split("-").at(-1)) }) : error.message);
  }
}

// The filter that the address asks for: the names of its fields, times as milliseconds since 1970.
function filterAsAsked() {
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = filter[name.replace("_unix_ms", "")];
    if (!field) continue;
    // A field for times has local time, without its zone.
    const local = (ms) => new Date(ms - 60_000 * new Date(ms).getTimezoneOffset()).toISOString().slice(0, 16);
    field.value = name.endsWith("_unix_ms") ? local(Number(value)) : value;
  }
}

async function say(opinion) {
  const name = named;
  const asked = new URLSearchParams({ opinion });
  if (opinion === "defect" && at("say-kind").value) asked.set("kind", at("say-kind").value);
  const mask = opinion === "defect" ? await brush.corrected() : null;
  try {
    const finding = JSON.parse(await send(`${path(name, "finding")}?${asked}`, mask ?? ""));
    if (open >= 0) {
      listed[open].finding = finding;
      at("gallery").children[open].replaceWith(card(listed[open], open));
    }
    at("said").textContent = word("said", { opinion: word(`found.${finding.opinion}`), by: finding.by || "–" });
    await summarise();
  } catch (error) {
    at("said").textContent = error.message;
  }
}

const share = (value) => (value === null || value === undefined ? "–" : `${(100 * value).toFixed(2)} %`);

async function summarise() {
  summary = await ask("/review.json");
  const rates = summary.false_rejects;
  rows(at("rates"), [
    { cells: [word("measured"), share(rates?.rate)] },
    { cells: [word("interval"), rates ? `${share(rates.interval[0])} … ${share(rates.interval[1])}` : "–"] },
    { cells: [word("promised"), share(summary.promised_rate)] },
    { cells: [word("judged"), summary.judged] },
    { cells: [word("misses_known"), summary.misses_known] },
    { cells: [word("not_reviewed"), summary.reject.not_reviewed + summary.review.not_reviewed] },
  ]);
  rows(at("pareto"), summary.kinds.map(({ kind, parts }) => ({ cells: [word(`kind.${kind}`), parts] })));
  slide();
}

// What another threshold would have done with the parts that were reviewed.
function slide() {
  const scores = summary.scores.map(({ score }) => score).filter((score) => score !== null);
  const top = 1.1 * Math.max(summary.threshold ?? 0, ...scores, 1e-6);
  const slider = at("what-if");
  if (!slider.dataset.moved) slider.value = (1000 * (summary.threshold ?? 0)) / top;
  const threshold = (top * slider.value) / 1000;
  const passes = ({ score }) => score !== null && score <= threshold;
  const [good, defective] = [false, true].map((is) => summary.scores.filter((part) => part.is_defective === is));
  rows(at("what-if-counts"), [
    { cells: [word("threshold"), threshold.toPrecision(4)] },
    { cells: [word("good_rejected"), `${good.filter((part) => !passes(part)).length} / ${good.length}`] },
    { cells: [word("defects_passed"), `${defective.filter(passes).length} / ${defective.length}`] },
  ]);
}

function choices(select, family, values) {
  select.replaceChildren(new Option("–", ""), ...values.map((value) => new Option(word(`${family}.${value}`), value)));
}

const KEYS = { g: () => say("good"), d: () => say("defect"), u: () => say("unsure"), ArrowLeft: () => hasPrevious() && show(open - 1), ArrowRight: () => hasNext() && show(open + 1) };

begin();
brush.begin();
revise.begin().catch((error) => refused(error.message));
const filter = at("filter").elements;
choices(filter.verdict, "verdict", ["pass", "review", "reject"]);
choices(filter.kind, "kind", KINDS);
choices(filter.found, "found", ["none", "good", "defect", "unsure"]);
choices(at("say-kind"), "kind", KINDS);
at("filter").addEventListener("change", () => list().then(() => refused(""), (error) => refused(error.message)));
at("more").addEventListener("click", () => list(listed.at(-1)?.name).catch((error) => refused(error.message)));
at("previous").addEventListener("click", KEYS.ArrowLeft);
at("next").addEventListener("click", KEYS.ArrowRight);
at("close").addEventListener("click", () => at("part").close());
at("part").addEventListener("close", () => {
  named = null;
  history.replaceState(null, "", location.pathname + location.search);
});
window.addEventListener("hashchange", showNamed);
for (const opinion of ["good", "defect", "unsure"]) at(`say-${opinion}`).addEventListener("click", () => say(opinion));
at("part").addEventListener("keydown", (event) => {
  if (event.target.tagName !== "INPUT" && event.target.tagName !== "SELECT") KEYS[event.key]?.();
});
at("what-if").addEventListener("input", () => {
  at("what-if").dataset.moved = "yes";
  slide();
});
filterAsAsked();
list().then(showNamed).catch((error) => refused(error.message));
summarise().catch((error) => refused(error.message));
