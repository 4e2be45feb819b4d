"""Lists of photographs with objects and regions, as MS-CNN and Cascade R-CNN read them."""

import numpy as np
from PIL import Image


def write_list(folder, images, sizes=((64, 96),)):
    """A list of photographs of heights and widths, with objects and regions of each."""
    rng = np.random.RandomState(0)
    text = ""
    for number, (objects, regions) in enumerate(images):
        size, path = sizes[number % len(sizes)], folder / f"{number}.png"
        Image.fromarray(rng.randint(0, 256, (*size, 3)).astype(np.uint8)).save(path)
        rows = [*[" ".join(map(str, row)) for row in objects], str(len(regions))]
        rows += [" ".join(map(str, row)) for row in regions]
        text += f"# {number}\n{path}\n3\n{size[0]}\n{size[1]}\n{len(objects)}\n"
        text += "\n".join(rows) + "\n"
    (folder / "list.txt").write_text(text)
    return folder / "list.txt"


def photograph(folder, number=0):
    return np.array(Image.open(folder / f"{number}.png"))[:, :, ::-1].transpose(2, 0, 1)
