// The page that segments: sends a photograph to one or two nets, and draws what they answer.

import { labelled, painted } from "./labels.js";
import { intoView, onPhotograph, onPoint, resized, say, tell } from "./source.js";

const byId = (id) => document.getElementById(id);
const view = byId("view");

let photograph = null; // the file that was chosen
let image = null; // it as the net saw it
let shown = []; // one or two answers, each with its pixels
let only = null; // the class that alone is shown
let running = new AbortController(); // of several requests the last counts

onPhotograph((file) => {
  photograph = file;
  segment();
});
for (const id of ["net-a", "net-b", "side"]) byId(id).addEventListener("change", segment);
for (const id of ["opacity", "divider"]) byId(id).addEventListener("input", draw);
for (const radio of document.getElementsByName("view")) radio.addEventListener("change", draw);
onPoint(view, read);
byId("here").textContent = new URL("/", location.href).href;

async function segment() {
  if (!photograph) return;
  running.abort();
  running = new AbortController();
  const { signal } = running;
  say();
  tell("Labelling the photograph …");
  byId("result").setAttribute("aria-busy", "true");
  try {
    const nets = [byId("net-a").value, byId("net-b").value].filter(Boolean);
    const answers = await Promise.all(nets.map((net) => labelled(net, photograph, signal)));
    if (signal.aborted) return;
    const { width, height } = answers[0];
    image = await resized(photograph, width, height);
    if (signal.aborted) return;
    shown = answers;
    only = null;
    present();
  } catch (error) {
    if (signal.aborted) return;
    tell("");
    say(error.message);
  } finally {
    if (!signal.aborted) byId("result").removeAttribute("aria-busy");
  }
}

function present() {
  const [first] = shown;
  view.width = first.width;
  view.height = first.height;
  byId("result").hidden = false;
  byId("divider-label").hidden = shown.length < 2;
  byId("legend-b").hidden = shown.length < 2;
  byId("mark").hidden = true;
  byId("under").textContent = "Point at the picture.";
  shown.forEach((answer, number) => legend(byId(number ? "legend-b" : "legend-a"), answer));
  const made =
    first.width === first.upload_width
      ? ""
      : `, made smaller from ${first.upload_width} x ${first.upload_height}`;
  const seconds = shown.map((answer) => `${answer.seconds.toFixed(2)} s`).join(" and ");
  tell(`${first.width} x ${first.height} pixels${made}; ${seconds}.`);
  draw();
  intoView(byId("result"));
}

function legend(table, answer) {
  table.caption.textContent = answer.net;
  table.tBodies[0].replaceChildren(
    ...answer.classes.map(({ index, name, colour, share }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.dataset.index = index;
      button.setAttribute("aria-pressed", only === index);
      button.title = "Show this class alone";
      button.style.setProperty("--colour", colour);
      button.addEventListener("click", () => {
        only = only === index ? null : index;
        for (const other of document.querySelectorAll("#result tbody button")) {
          other.setAttribute("aria-pressed", only === Number(other.dataset.index));
        }
        draw();
      });
      const row = document.createElement("tr");
      row.insertCell().append(button);
      row.insertCell().textContent = `${(100 * share).toFixed(1)} %`;
      return row;
    }),
  );
}

/** Draws the first answer, and right of the divider the second. */
function draw() {
  if (!shown.length) return;
  const context = view.getContext("2d");
  const kind = document.querySelector("input[name=view]:checked").value;
  context.clearRect(0, 0, view.width, view.height);
  if (image && kind !== "labels") context.drawImage(image, 0, 0);
  if (kind === "photograph") return;
  const opacity = kind === "labels" ? 1 : byId("opacity").value / 100;
  const shows = (index) => (kind === "labels" || index !== 0) && (only === null || only === index);
  const edge = shown.length > 1 ? Math.round((byId("divider").value / 100) * view.width) : view.width;
  shown.forEach((answer, number) => {
    const from = number ? edge : 0;
    const to = number || shown.length === 1 ? view.width : edge;
    if (to <= from) return;
    context.globalAlpha = opacity;
    context.drawImage(painted(answer, shows), from, 0, to - from, view.height, from, 0, to - from, view.height);
    context.globalAlpha = 1;
  });
  if (shown.length > 1) {
    context.fillStyle = "#fff";
    context.fillRect(edge - 1, 0, 2, view.height);
  }
}

function read(x, y) {
  if (!shown.length) return;
  const at = 4 * (y * view.width + x);
  const said = shown.map((answer) => {
    const found = answer.classes.find(({ index }) => index === answer.pixels[at]);
    return `${found.name} ${Math.round((100 * answer.pixels[at + 1]) / 255)} %`;
  });
  byId("under").textContent = `${x}, ${y}: ${said.join(" | ")}`;
  const mark = byId("mark");
  mark.hidden = false;
  mark.style.left = `${(100 * (x + 0.5)) / view.width}%`;
  mark.style.top = `${(100 * (y + 0.5)) / view.height}%`;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The name of a file that is saved: that of the photograph, and what it is of it. */
function named(ending) {
  return `${(photograph.name ?? "photograph").replace(/\.[^.]*$/, "")}${ending}`;
}

byId("save-picture").addEventListener("click", () => {
  view.toBlob((blob) => save(blob, named("_overlay.png")), "image/png");
});
byId("save-labels").addEventListener("click", () => {
  const bytes = Uint8Array.from(atob(shown[0].labels), (letter) => letter.charCodeAt(0));
  save(new Blob([bytes], { type: "image/png" }), named(".png"));
});
byId("save-json").addEventListener("click", () => {
  const kept = shown.map(({ pixels: _, ...answer }) => answer);
  const text = JSON.stringify(kept.length > 1 ? kept : kept[0], null, 1);
  save(new Blob([text], { type: "application/json" }), named(".json"));
});
