// A recipe is made better by its reviewed parts: a revision is made beside the station, looked at, and activated or discarded.
import { ask, at, figures, make, rows, send, session } from "/page.js";
import { finished, progress, takeOver } from "/work.js";
import { word } from "/words.js";

const PERIOD_MS = 1000;
const HOW = ["recalibrate", "refit"];
// The recipe in force, and the number of the lesson that is revised.
let inForce = 0;
let number = null;
let shown = null;

const path = (what) => `/lessons/${number}/${what}`;

function refuse(error) {
  at("revise-answer").textContent = error.message;
}

// A part whose defect a person has confirmed and that would pass comes first.
const misses = ({ opinion, verdict }) => opinion === "defect" && verdict === "pass";

function change(part) {
  // Behind the folder of its verdict.
  const own = part.name.split("/").at(-1);
  const name = make("a", { href: `#${own}`, textContent: own });
  const said = part.opinion ? word(`found.${part.opinion}`) : word("found.none");
  const verdicts = `${word(`verdict.${part.recorded_verdict}`)} → ${word(`verdict.${part.verdict}`)}`;
  const cells = [name, said, verdicts, `${figures(part.recorded_score, 4)} → ${figures(part.score, 4)}`];
  return make("tr", { className: misses(part) ? "active" : "" }, ...cells.map((cell) => make("td", {}, cell)));
}

function show(revision) {
  at("revision").hidden = revision === null;
  if (revision === null) return;
  rows(at("revision-facts"), [
    { cells: [word("recipe"), `${revision.recipe.number} ${revision.recipe.name}`] },
    { cells: [word("threshold"), `${figures(revision.threshold_before, 4)} → ${figures(revision.threshold, 4)}`] },
    { cells: [word("found_good"), revision.found_good] },
    { cells: [word("replayed"), `${revision.replayed} / ${revision.recorded}`] },
    { cells: [word("verdicts_changed"), revision.changed.length] },
    { cells: [word("defects_pass_now"), revision.changed.filter(misses).length], active: revision.changed.some(misses) },
  ]);
  at("revision-guarantee").textContent = revision.guarantee;
  const changed = [...revision.changed].sort((a, b) => misses(b) - misses(a));
  at("revision-changed").replaceChildren(...changed.map(change));
}

// What waits for a person is fetched when it comes, and when the work on it has ended.
async function look() {
  const { lessons, working } = await ask("/teach.json");
  const revised = lessons.find((lesson) => lesson.is_revised)?.number ?? null;
  const works = Boolean(working && !working.status.ended);
  number = works ? working.number : revised ?? number;
  progress(working?.number === number ? working.status : null, at("revising"), at("revising-text"));
  at("revise-cancel").disabled = !works;
  for (const id of ["revise-make", "revise-accept", "revise-discard"]) at(id).disabled = works;
  const now = `${revised} ${works}`;
  if (now === shown) return;
  shown = now;
  show(revised === null ? null : await ask(`/lessons/${revised}/revision`));
}

async function lookAgain() {
  await look().catch(refuse);
  setTimeout(lookAgain, PERIOD_MS);
}

async function revise() {
  const how = { how: at("revise-how").value, of: inForce };
  if (at("revise-rate").value) how.false_reject_rate = Number(at("revise-rate").value);
  if (inForce === 0) how.name = at("revise-name").value;
  const of = inForce === 0 ? Number(at("revise-number").value) : inForce;
  await send(`/lessons/${of}/revise`, JSON.stringify(how));
  number = of;
}

async function accept() {
  await send(path("accept"), "");
  await finished();
  at("revise-answer").textContent = await takeOver(number);
}

// Shows what may be done to whoever may do it, at a station that is taught.
export async function begin() {
  const { may } = await session;
  if (!may.includes("teach")) return;
  const taught = await fetch("/teach.json");
  if (!taught.ok) return;
  inForce = (await ask("/state.json")).recipe;
  at("revise-new").hidden = inForce !== 0;
  at("revise-how").replaceChildren(...HOW.map((how) => new Option(word(`how.${how}`), how)));
  at("revise").hidden = false;
  const does = (id, what) => at(id).addEventListener("click", () => {
    refuse({ message: "" });
    what().catch(refuse);
  });
  does("revise-make", revise);
  does("revise-cancel", () => send(path("cancel"), ""));
  does("revise-accept", accept);
  does("revise-discard", () => send(path("discard"), ""));
  lookAgain();
}
