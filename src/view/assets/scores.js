// The scores of the last parts as bars, with the thresholds; what is pointed at is told, and opened where it was recorded.
import { colour, VERDICTS } from "/page.js";
import { pen, point } from "/plot.js";
import { word } from "/words.js";

const STEP = 4;
let drawn = [];
let marked = null;

function mark(drawing, width, y, value, shade) {
  drawing.fillStyle = shade;
  drawing.fillRect(0, y(value), width, 1);
  drawing.fillText(value.toPrecision(4), 4, y(value) - 4);
}

export function draw(canvas, history, threshold, review) {
  const { drawing, width, height } = pen(canvas);
  drawn = history.slice(-Math.max(1, Math.floor(width / STEP))).map((part) => ({ key: part[0], part }));
  const scores = drawn.map(({ part: [, score] }) => score).filter((score) => score !== null);
  const top = 1.15 * Math.max(threshold * 1.5, ...scores, 1e-9);
  const y = (score) => height - (height * score) / top;
  drawn.forEach(({ key, part: [, score, verdict] }, i) => {
    const left = width - (drawn.length - i) * STEP;
    drawing.fillStyle = colour(key === marked ? "front" : VERDICTS[verdict]);
    // A part without a score reaches to the top: it was rejected unseen.
    const from = score === null ? 0 : y(score);
    drawing.globalAlpha = score === null ? 0.4 : 1;
    drawing.fillRect(left, from, STEP - 1, Math.max(2, height - from));
  });
  drawing.globalAlpha = 1;
  if (review > 0 && review < threshold) mark(drawing, width, y, review, colour("review"));
  if (threshold > 0) mark(drawing, width, y, threshold, colour("line"));
}

export function describe([part, score, verdict]) {
  const value = score === null ? word("none") : score.toFixed(4);
  return word("score_of", { part, score: value, verdict: word(`verdict.${VERDICTS[verdict]}`) });
}

// Tells in `output` which part is pointed at. `open` is given the number of the part that a person wants to see.
export function follow(canvas, output, open, redraw) {
  point(canvas, output, {
    items: () => drawn,
    find: (offset) => drawn.at(-Math.ceil((canvas.clientWidth - offset) / STEP)),
    tell: ({ part }) => describe(part),
    open: ({ key }) => open(key),
    mark: (key) => {
      if (key === marked) return;
      marked = key;
      redraw();
    },
  });
}
