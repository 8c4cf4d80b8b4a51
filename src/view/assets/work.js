// The process beside the station that works on a lesson: how far it is, and the way of an engine into the station.
import { ask, send } from "/page.js";
import { word } from "/words.js";

const PERIOD_MS = 250;

// Shows in `bar` and `output` how the process does; none where it works on another lesson.
export function progress(status, bar, output) {
  const last = status?.last;
  if (last?.event === "progress") {
    bar.value = last.done / Math.max(1, last.of);
    const left = last.seconds_left === null ? "" : word("seconds_left", { seconds: Math.ceil(last.seconds_left) });
    output.textContent = `${word(`step.${last.step}`)}: ${word(`phase.${last.phase}`)} ${last.done} / ${last.of} ${left}`;
  } else {
    bar.value = status?.ended && last?.event !== "refused" ? 1 : 0;
    output.textContent = last?.event === "refused" ? last.text : (status?.failure ?? "");
  }
}

// Waits for the end of a step, and fails as it does.
export async function finished() {
  for (;;) {
    const { status } = (await ask("/teach.json")).working;
    if (status.last?.event === "refused") throw new Error(status.last.text);
    if (status.failure) throw new Error(status.failure);
    if (status.ended) return;
    await new Promise((done) => setTimeout(done, PERIOD_MS));
  }
}

// The station reads its configuration again, and goes to the recipe. Returns what it says.
export async function takeOver(number) {
  await send("/reload", "");
  return send("/recipe", String(number));
}
