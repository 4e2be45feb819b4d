// Where a photograph comes from: a file, a drop, the clipboard, the camera, a sample.

const byId = (id) => document.getElementById(id);

/** Calls `chosen(blob)` for each photograph; says what goes wrong in the alert. */
export function onPhotograph(chosen) {
  const take = (file) => {
    if (file) chosen(file);
  };
  for (const id of ["file", "camera-file"]) {
    byId(id).addEventListener("change", (event) => {
      take(event.target.files[0]);
      event.target.value = ""; // so that the same file can be chosen again
    });
  }
  const drop = byId("drop");
  for (const name of ["dragover", "dragenter"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const images = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (images.length) take(images[0]);
    else if (event.clipboardData.types.length) say("What was pasted is no image.");
  });
  for (const button of document.querySelectorAll(".sample")) {
    button.addEventListener("click", async () => {
      try {
        take(await (await fetch(button.dataset.sample)).blob());
      } catch {
        say(STOPPED);
      }
    });
  }
  camera(take);
}

function camera(take) {
  const box = byId("camera");
  const video = byId("viewfinder");
  const close = () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
    box.hidden = true;
    byId("open-camera").focus();
  };
  byId("open-camera").addEventListener("click", async () => {
    if (!navigator.mediaDevices?.getUserMedia) {
      byId("camera-file").click(); // browsers give the camera to pages of this machine or of https
      return;
    }
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment" },
      });
      box.hidden = false;
      await video.play();
      byId("take").focus();
    } catch (error) {
      box.hidden = true;
      const refused = error.name === "NotAllowedError";
      say(refused ? "The browser was not allowed to use the camera; choose a file." : "There is no camera here; choose a file.");
    }
  });
  byId("close-camera").addEventListener("click", close);
  byId("take").addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      close();
      take(blob);
    }, "image/png");
  });
}

const STOPPED = "The server does not answer. Start it again, and choose the photograph again.";

/** Shows a text as an alert; none takes it away. */
export function say(text = "") {
  byId("alert").textContent = text;
}

/** Says how it goes on, politely. */
export function tell(text) {
  byId("status").textContent = text;
}

/** POSTs a photograph; the answer's JSON, or an Error with what the server says, or if aborted. */
export async function post(address, parameters, photograph, signal) {
  const query = new URLSearchParams(parameters);
  const side = byId("side").value;
  if (side) query.set("side", side);
  let response;
  try {
    response = await fetch(`${address}?${query}`, { method: "POST", body: photograph, signal });
  } catch {
    throw new Error(STOPPED);
  }
  const found = await response.json().catch(() => ({ detail: response.statusText }));
  signal.throwIfAborted();
  if (!response.ok) {
    throw new Error(found.detail);
  }
  return found;
}

/** The photograph as the net saw it: upright, of that width and height. */
export async function resized(photograph, width, height) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(photograph, {
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: "medium",
    });
  } catch {
    return null; // a format that the server reads and the browser does not, as TIFF
  }
  return bitmap;
}

/** Scrolls to an element where it lies below the controls: on a narrow screen. */
export function intoView(element) {
  if (matchMedia("(max-width: 50rem)").matches) element.scrollIntoView();
}

/** Lets arrow keys and the pointer move over a canvas: moved(x, y) in its pixels. */
export function onPoint(canvas, moved) {
  let at = null;
  const go = (x, y) => {
    at = [
      Math.min(Math.max(x, 0), canvas.width - 1),
      Math.min(Math.max(y, 0), canvas.height - 1),
    ];
    moved(...at);
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    go(
      Math.floor(((event.clientX - box.left) / box.width) * canvas.width),
      Math.floor(((event.clientY - box.top) / box.height) * canvas.height),
    );
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const far = event.shiftKey ? 10 : 1;
    const [x, y] = at ?? [canvas.width >> 1, canvas.height >> 1];
    go(x + far * step[0], y + far * step[1]);
  });
}
