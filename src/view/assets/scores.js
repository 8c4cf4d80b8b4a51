// The scores of the last parts as bars, with the thresholds; what is pointed at is told.
import { colour, VERDICTS } from "/page.js";
import { word } from "/words.js";

const STEP = 4;
let drawn = [];

function mark(pen, width, y, value, shade) {
  pen.strokeStyle = pen.fillStyle = shade;
  pen.beginPath();
  pen.moveTo(0, y(value));
  pen.lineTo(width, y(value));
  pen.stroke();
  pen.font = "12px system-ui, sans-serif";
  pen.fillText(value.toPrecision(4), 4, y(value) - 4);
}

export function draw(canvas, history, threshold, review) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  drawn = history.slice(-Math.max(1, Math.floor(width / STEP)));
  const scores = drawn.map(([, score]) => score).filter((score) => score !== null);
  const top = 1.15 * Math.max(threshold * 1.5, ...scores, 1e-9);
  const y = (score) => height - (height * score) / top;
  drawn.forEach(([, score, verdict], i) => {
    pen.fillStyle = colour(VERDICTS[verdict]);
    // A part without a score reaches to the top: it was rejected unseen.
    const from = score === null ? 0 : y(score);
    pen.globalAlpha = score === null ? 0.4 : 1;
    pen.fillRect(width - (drawn.length - i) * STEP, from, STEP - 1, Math.max(2, height - from));
  });
  pen.globalAlpha = 1;
  if (review > 0 && review < threshold) mark(pen, width, y, review, colour("review"));
  if (threshold > 0) mark(pen, width, y, threshold, colour("line"));
}

export function describe([part, score, verdict]) {
  const value = score === null ? word("none") : score.toFixed(4);
  return word("score_of", { part, score: value, verdict: word(`verdict.${VERDICTS[verdict]}`) });
}

// Tells in `output` which part is pointed at, by the mouse or with the arrow keys.
export function point(canvas, output) {
  let back = 1;
  const tell = () => {
    const part = drawn.at(-back);
    output.textContent = part ? describe(part) : "";
  };
  canvas.addEventListener("pointermove", ({ offsetX }) => {
    back = Math.ceil((canvas.clientWidth - offsetX) / STEP);
    tell();
  });
  canvas.addEventListener("pointerleave", () => (output.textContent = ""));
  canvas.addEventListener("keydown", ({ key }) => {
    const step = { ArrowLeft: 1, ArrowRight: -1 }[key];
    if (!step) return;
    back = Math.min(Math.max(back + step, 1), drawn.length);
    tell();
  });
}
