// A recipe is taught: parts are collected from the belt, an engine is made beside the station, and the station goes to it.
import { ask, at, begin, figures, make, send } from "/page.js";
import * as regions from "/regions.js";
import { finished, progress, takeOver } from "/work.js";
import { word } from "/words.js";

const PERIOD_MS = 1000;
let number = null;
let shownState = "";
let all = { lessons: [], collecting: {}, working: null };

const path = (what) => `/lessons/${number}/${what}`;

function refuse(error) {
  at("refused").textContent = error.message;
}

async function choose(of) {
  number = of;
  shownState = "";
  at("lesson").hidden = number === null;
  if (number === null) return;
  const { subject } = await ask(`/lessons/${number}`);
  regions.show(subject);
}

function list(lessons) {
  const text = JSON.stringify(lessons);
  if (at("lessons").dataset.listed === text) return;
  at("lessons").dataset.listed = text;
  at("lessons").replaceChildren(...lessons.map((lesson) => new Option(`${lesson.number} ${lesson.name}`, lesson.number, false, lesson.number === number)));
  if (number === null && lessons.length) choose(lessons[0].number).catch(refuse);
}

function collecting({ subject, parts }) {
  const wanted = subject.parts + subject.validation;
  const have = Math.min(parts[0], subject.parts) + Math.min(parts[1], subject.validation);
  at("collected").value = have / wanted;
  at("collected-text").textContent = `${have} / ${wanted}`;
  const on = all.collecting.lesson === number;
  at("collect").textContent = word(on ? "collect_off" : "collect");
  at("collect").dataset.on = on ? "on" : "";
  const reasons = (all.collecting.last ?? []).map(({ name, faults }) => make("li", { textContent: name === null ? faults.join("; ") : word("kept", { name }) }));
  at("reasons").replaceChildren(...(on ? reasons : []));
}

function working({ guarantee, threshold }) {
  const own = all.working?.number === number ? all.working.status : null;
  at("cancel").disabled = !own || own.ended;
  at("learn").disabled = at("activate").disabled = Boolean(own && !own.ended);
  progress(own, at("learning"), at("learning-text"));
  at("said").replaceChildren(...(own?.said ?? []).map(({ text }) => make("li", { textContent: text })));
  at("guarantee").textContent = guarantee ? `${word("threshold")} ${figures(threshold, 4)}: ${guarantee}` : "";
}

async function scores() {
  const known = await ask(path("scores"));
  const parts = [...(known?.parts ?? [])].sort((a, b) => (b.score ?? Infinity) - (a.score ?? Infinity));
  at("gallery").replaceChildren(...parts.map(({ name, set, score, verdict }) => {
    const picture = path(`overlays/${set}/${name}`);
    const text = `${word(`set.${set}`)} ${name} · ${figures(score, 3)} · ${word(`verdict.${verdict}`)}`;
    const button = make("button", { type: "button", className: `card ${verdict}` }, make("img", { src: picture, alt: "", loading: "lazy" }), make("span", { textContent: text }));
    button.addEventListener("click", () => {
      at("part-overlay").src = picture;
      at("part").showModal();
    });
    return make("li", {}, button);
  }));
}

// The pictures of a state are fetched once it is reached, and once more when the work on it has ended.
async function reach(state) {
  const text = `${number} ${state} ${all.working?.status.ended}`;
  if (text === shownState) return;
  shownState = text;
  at("state").textContent = word(`state.${state}`);
  at("proposal").src = `${path("proposal")}?${Date.now()}`;
  if (["calibrated", "activated"].includes(state)) await scores();
}

async function look() {
  all = await ask("/teach.json");
  list(all.lessons);
  at("frame").src = `/frame.jpg?${Date.now()}`;
  if (number === null) return;
  const lesson = await ask(`/lessons/${number}`);
  collecting(lesson);
  working(lesson);
  await reach(lesson.state);
}

async function again() {
  await look().catch(refuse);
  setTimeout(again, PERIOD_MS);
}

// The check is done beside the station; then the station reads its configuration again, and goes to the recipe.
async function activate() {
  at("activated").textContent = "";
  await send(path("activate"), "");
  await finished();
  at("activated").textContent = await takeOver(number);
}

const does = (id, what) => at(id).addEventListener("click", () => {
  refuse({ message: "" });
  what().catch(refuse);
});

begin();
regions.begin();
at("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  const [of, parts, validation] = ["number", "parts", "validation"].map((id) => Number(at(id).value));
  send("/lessons", JSON.stringify({ number: of, name: at("name").value, parts, validation })).then(() => choose(of)).catch(refuse);
});
at("lessons").addEventListener("change", () => choose(Number(at("lessons").value)).catch(refuse));
at("frame").addEventListener("load", () => regions.fit(at("frame")));
does("clear", async () => regions.clear());
does("choose", () => send(path("regions"), JSON.stringify(regions.regions())));
does("collect", () => send(path("collect"), at("collect").dataset.on ? "off" : "on"));
does("learn", () => send(path("learn"), JSON.stringify(at("rate").value ? { false_reject_rate: Number(at("rate").value) } : {})));
does("cancel", () => send(path("cancel"), ""));
does("activate", activate);
at("close").addEventListener("click", () => at("part").close());
again();
