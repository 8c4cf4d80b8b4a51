// The mask of a part, to be corrected by hand: a canvas over the photograph, in the photograph's own pixels.
import { at } from "/page.js";

const SHADE = "rgb(255 64 129)";
let changed = false;

const canvas = () => at("brush");

// Draws the mask that is recorded; without one it begins empty.
export async function load(photograph, mask) {
  await photograph.decode();
  [canvas().width, canvas().height] = [photograph.naturalWidth, photograph.naturalHeight];
  changed = false;
  const pen = canvas().getContext("2d", { willReadFrequently: true });
  const picture = new Image();
  picture.src = mask;
  try {
    await picture.decode();
  } catch (error) {
    return;
  }
  pen.drawImage(picture, 0, 0);
  const pixels = pen.getImageData(0, 0, canvas().width, canvas().height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const on = pixels.data[i] > 0;
    pixels.data.set(on ? [255, 64, 129, 255] : [0, 0, 0, 0], i);
  }
  pen.putImageData(pixels, 0, 0);
}

function paint({ offsetX, offsetY, buttons }) {
  if (buttons !== 1 || !at("brush-on").checked) return;
  const pen = canvas().getContext("2d");
  const scale = canvas().width / canvas().clientWidth;
  pen.globalCompositeOperation = at("brush-erases").checked ? "destination-out" : "source-over";
  pen.fillStyle = SHADE;
  pen.beginPath();
  pen.arc(offsetX * scale, offsetY * scale, Number(at("brush-size").value), 0, 2 * Math.PI);
  pen.fill();
  changed = true;
}

// The corrected mask as a PNG, white where the part is defective; none if nothing was changed.
export async function corrected() {
  if (!changed) return null;
  const pen = canvas().getContext("2d");
  const pixels = pen.getImageData(0, 0, canvas().width, canvas().height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const value = pixels.data[i + 3] > 127 ? 255 : 0;
    pixels.data.set([value, value, value, 255], i);
  }
  const copy = new OffscreenCanvas(canvas().width, canvas().height);
  copy.getContext("2d").putImageData(pixels, 0, 0);
  return copy.convertToBlob({ type: "image/png" });
}

export function begin() {
  canvas().addEventListener("pointerdown", paint);
  canvas().addEventListener("pointermove", paint);
  at("brush-on").addEventListener("change", () => canvas().classList.toggle("painting", at("brush-on").checked));
}
