// The page that explains a net: its layers, a blob's channels, what each skip adds.

import { changed, labelled, painted } from "./labels.js";
import { intoView, onPhotograph, onPoint, post, resized, say, tell } from "./source.js";

const byId = (id) => document.getElementById(id);
const canvas = byId("photograph");
const net = byId("net").value;

let photograph = null;
let blob = null; // what the server says of the chosen blob
let chosen = null; // its name
let first = 0; // number of the first channel that is shown

const skips = latest(drawSkips);
const channels = latest(drawChannels);

onPhotograph((file) => {
  photograph = file;
  everything();
});
byId("side").addEventListener("change", everything);
byId("net").addEventListener("change", (event) => {
  location.search = new URLSearchParams({ net: event.target.value });
});
for (const box of document.querySelectorAll(".box")) {
  const choose = () => {
    if (box.getAttribute("aria-disabled")) return;
    document.querySelector(".box.chosen")?.classList.remove("chosen");
    box.classList.add("chosen");
    chosen = box.dataset.blob;
    first = 0;
    if (photograph) attempt(channels);
    else say("Choose a photograph first.");
  };
  box.addEventListener("click", choose);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose();
    }
  });
}
for (const [id, direction] of [
  ["earlier", -1],
  ["later", 1],
]) {
  byId(id).addEventListener("click", () => {
    first += direction * blob.at_most;
    attempt(channels);
  });
}
onPoint(canvas, frame);

async function attempt(work) {
  say();
  tell("Computing …");
  try {
    if (await work()) tell("");
  } catch (error) {
    tell("");
    say(error.message);
  }
}

function everything() {
  if (!photograph) return;
  attempt(async () => (await skips()) && (!chosen || channels()));
}

const OPACITY = 0.6; // of labels over the photograph

/** A function whose last call counts: it aborts work(signal) of the one before. Whether it was it. */
function latest(work) {
  let running = new AbortController();
  return async () => {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  };
}

/** The labels of each stage, and the pixels that its skip changed. */
async function drawSkips(signal) {
  let before = null;
  for (const figure of document.querySelectorAll("[data-net]")) {
    const answer = await labelled(figure.dataset.net, photograph, signal);
    const image = await resized(photograph, answer.width, answer.height);
    if (signal.aborted) return;
    const drawn = figure.querySelector("canvas");
    drawn.width = answer.width;
    drawn.height = answer.height;
    const context = drawn.getContext("2d");
    if (image) context.drawImage(image, 0, 0);
    context.globalAlpha = image ? OPACITY : 1;
    context.drawImage(painted(answer, (index) => index !== 0), 0, 0);
    if (before) {
      const [white, fraction] = changed(before, answer);
      context.globalAlpha = 1;
      context.drawImage(white, 0, 0);
      const added = figure.querySelector(".added");
      added.textContent = `: ${(100 * fraction).toFixed(1)} % of the pixels changed`;
    }
    before = answer;
  }
  byId("skips").hidden = false;
}

async function drawChannels(signal) {
  const answer = await post("/explain/channels", { net, blob: chosen, first }, photograph, signal);
  const image = await resized(photograph, answer.width, answer.height);
  if (signal.aborted) return;
  blob = answer;
  const [count, height, width] = blob.shape;
  byId("blob").hidden = false;
  byId("facts").textContent =
    `${blob.blob}: ${count} x ${height} x ${width}, values from ${short(blob.lowest)} to ` +
    `${short(blob.highest)}. A pixel sees ${blob.receptive_field} pixels of the image on a ` +
    `side; the next one is ${blob.stride} further. Channels ${first} to ${first + blob.count - 1}, ` +
    "each from its lowest (black) to its highest (white):";
  const sheet = byId("sheet");
  sheet.src = `data:image/png;base64,${blob.sheet}`;
  sheet.alt = `Channels ${first} to ${first + blob.count - 1} of ${blob.blob}`;
  byId("earlier").disabled = first === 0;
  byId("later").disabled = first + blob.count >= count;
  canvas.width = blob.width;
  canvas.height = blob.height;
  if (image) canvas.getContext("2d").drawImage(image, 0, 0);
  frame(blob.width >> 1, blob.height >> 1);
  intoView(byId("blob"));
}

/** A number with three digits, without an exponent where it is of everyday size. */
function short(number) {
  return String(Number(number.toPrecision(3)));
}

/** The frame of what the blob's pixel nearest to an image's pixel sees. */
function frame(x, y) {
  if (!blob) return;
  const middle = (place, last) => {
    const number = Math.round((place - blob.offset) / blob.stride);
    return blob.offset + Math.min(Math.max(number, 0), last) * blob.stride;
  };
  const left = middle(x, blob.shape[2] - 1) - (blob.receptive_field - 1) / 2;
  const top = middle(y, blob.shape[1] - 1) - (blob.receptive_field - 1) / 2;
  const box = byId("field");
  box.hidden = false;
  box.style.left = `${(100 * left) / blob.width}%`;
  box.style.top = `${(100 * top) / blob.height}%`;
  box.style.width = `${(100 * blob.receptive_field) / blob.width}%`;
  box.style.height = `${(100 * blob.receptive_field) / blob.height}%`;
}
