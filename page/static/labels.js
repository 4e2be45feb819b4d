// What a net says of a photograph, and how it is painted.

import { post } from "./source.js";

/** The answer of /segment, with `pixels`: RGBA whose red is the class and green its probability. */
export async function labelled(net, photograph, signal) {
  const answer = await post("/segment", { net }, photograph, signal);
  const image = new Image();
  image.src = `data:image/png;base64,${answer.map}`;
  await image.decode();
  const canvas = new OffscreenCanvas(answer.width, answer.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return { ...answer, pixels: context.getImageData(0, 0, answer.width, answer.height).data };
}

/** An answer's classes in their colours: a canvas, clear where not shows(class). */
export function painted(answer, shows) {
  const colours = new Map(
    answer.classes
      .filter(({ index }) => shows(index))
      .map(({ index, colour }) => [index, parseInt(colour.slice(1), 16)]),
  );
  return picture(answer, (at) => colours.get(answer.pixels[at]));
}

/** White where two answers differ, and how many pixels that are of all: [canvas, fraction]. */
export function changed(before, now) {
  let count = 0;
  const canvas = picture(now, (at) => {
    if (before.pixels[at] === now.pixels[at]) return undefined;
    count += 1;
    return 0xffffff;
  });
  return [canvas, count / (now.width * now.height)];
}

/** A canvas of an answer's size with the colour (0xrrggbb) of each pixel, clear where undefined. */
function picture({ width, height }, colourAt) {
  const { data } = new ImageData(width, height);
  for (let at = 0; at < data.length; at += 4) {
    const colour = colourAt(at);
    if (colour === undefined) continue;
    data[at] = colour >> 16;
    data[at + 1] = (colour >> 8) & 255;
    data[at + 2] = colour & 255;
    data[at + 3] = 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}
