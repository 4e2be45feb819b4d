"""Pages of HTML of templates, and those in one file: values and pictures inside."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from caffe.core.files import write_text

if TYPE_CHECKING:  # what serves pages draws no figure
    from matplotlib.figure import Figure

SHARED = Path(__file__).resolve().parent / "templates"  # what the pages of all rooms extend


def templates(*folders: Path) -> Environment:
    """The templates of these folders, the first that has one; a value that is missing is an error.

    Values are escaped, but for Markup: what `svg` gives.
    """
    found = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["percent"] = percent
    return found


def write_page(path: str | os.PathLike, template: Path, **values: object) -> None:
    """Write the page of a template, whole or not at all; it may extend those beside page.html."""
    pages = templates(template.parent, SHARED)
    write_text(path, pages.get_template(template.name).render(values))


def percent(fraction: float | None) -> str:
    """A fraction in percent, with one digit; a dash where there is none."""
    return "-" if fraction is None or fraction != fraction else f"{100 * fraction:.1f}"


def svg(figure: Figure) -> Markup:
    """A matplotlib figure as SVG inside a page."""
    file = io.StringIO()
    figure.savefig(file, format="svg")
    text = file.getvalue()
    return Markup(text[text.index("<svg") :])


def picture(array: np.ndarray) -> str:
    """The address that holds an (H, W, 3) uint8 RGB picture itself, as WebP: a tenth of a PNG."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def picture_of(path: Path) -> str:
    """The address that holds a WebP file itself."""
    return f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}"
