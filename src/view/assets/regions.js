// A window and regions, drawn into the picture with the mouse: in pixels of the photograph.
import { at, colour } from "/page.js";

const SHADES = { window: "review", of_interest: "pass", ignore: "reject" };
let drawn = { window: null, of_interest: [], ignore: [] };
let corners = [];
let from = null;

const canvas = () => at("brush");
const tool = () => document.querySelector("input[name=tool]:checked").value;

export const regions = () => drawn;

export function clear() {
  drawn = { window: null, of_interest: [], ignore: [] };
  [corners, from] = [[], null];
  redraw();
}

// What was chosen before.
export function show({ scene, regions: chosen }) {
  const polygons = (areas) => (areas ?? []).map(({ polygon }) => polygon).filter(Boolean);
  drawn = { window: scene?.crop?.rectangle ?? null, of_interest: polygons(chosen?.of_interest), ignore: polygons(chosen?.ignore) };
  redraw();
}

// The canvas has the pixels of the photograph.
export function fit(photograph) {
  const [width, height] = [photograph.naturalWidth, photograph.naturalHeight];
  if (canvas().width === width && canvas().height === height) return;
  [canvas().width, canvas().height] = [width, height];
  redraw();
}

function outline(pen, points, name, closed) {
  pen.strokeStyle = colour(SHADES[name]);
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  if (closed) pen.closePath();
  pen.stroke();
}

function redraw() {
  const pen = canvas().getContext("2d");
  pen.clearRect(0, 0, canvas().width, canvas().height);
  pen.lineWidth = Math.max(2, canvas().width / 200);
  if (drawn.window) {
    const [x, y, width, height] = drawn.window;
    outline(pen, [[x, y], [x + width, y], [x + width, y + height], [x, y + height]], "window", true);
  }
  for (const name of ["of_interest", "ignore"]) for (const polygon of drawn[name]) outline(pen, polygon, name, true);
  if (corners.length) outline(pen, corners, tool(), false);
}

function place({ offsetX, offsetY }) {
  const scale = canvas().width / canvas().clientWidth;
  return [Math.round(offsetX * scale), Math.round(offsetY * scale)];
}

function drag(event) {
  if (!from || tool() !== "window") return;
  const [x, y] = place(event);
  drawn.window = [Math.min(x, from[0]), Math.min(y, from[1]), Math.max(1, Math.abs(x - from[0])), Math.max(1, Math.abs(y - from[1]))];
  redraw();
}

// A region is drawn corner by corner; a click near its first corner closes it.
function corner(event) {
  if (tool() === "window") return;
  const at = place(event);
  const near = corners.length > 2 && Math.hypot(at[0] - corners[0][0], at[1] - corners[0][1]) < canvas().width / 40;
  if (near) {
    drawn[tool()].push(corners);
    corners = [];
  } else {
    corners.push(at);
  }
  redraw();
}

export function begin() {
  canvas().addEventListener("pointerdown", (event) => (from = place(event)));
  canvas().addEventListener("pointermove", drag);
  canvas().addEventListener("pointerup", () => (from = null));
  canvas().addEventListener("click", corner);
}
