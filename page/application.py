"""The page's addresses: what is asked for, what is answered, and what is refused how."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from data.html_page import templates
from infer.any_image import TooLarge
from nets.receptive_field import windows

from . import layer_graph, limits
from .channels import channels
from .one_at_a_time import Full, OneAtATime
from .segmentation import as_json, palette_png, segment
from .shown_nets import Shown, stages_of
from .upload import body, photograph

Answer = TypeVar("Answer")

HERE = Path(__file__).resolve().parent
SAMPLES = sorted(path.stem for path in (HERE / "static" / "samples").glob("*.jpg"))
# Scripts, styles and pictures come from this server, pictures from the page itself too.
POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; base-uri 'none'"

# The body is an image, not a form: so it is counted as it comes, and nothing is put on the disk.
IMAGE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"A photograph: {', '.join(limits.FORMATS)}; at most "
        f"{limits.UPLOAD_BYTES >> 20} MiB and {limits.UPLOAD_PIXELS} pixels.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such net, or no such blob"},
    413: {"description": "Too many bytes or pixels"},
    422: {"description": "No image, or a damaged one"},
    503: {"description": f"More than {limits.QUEUE} pictures are waiting; try again"},
}


class Form(str, Enum):
    """What /segment answers with."""

    json = "json"
    png = "png"


Net = Annotated[str | None, Query(description="name of a net, as in /nets; the first by default")]
Side = Annotated[
    int | None,
    Query(
        ge=limits.SIDES[0],
        le=limits.SIDES[1],
        description="the longer side is made at most as long before the net sees the image",
    ),
]


def application(nets: Mapping[str, Shown], *, explain: bool = False) -> FastAPI:
    """The page of these nets, the first one chosen; `explain` adds /explain."""
    app = FastAPI(title="Segmentation", version="1", docs_url=None, redoc_url=None)
    queue = OneAtATime(limits.QUEUE)
    pages = templates(HERE / "templates")
    shared = {"nets": list(nets.values()), "samples": SAMPLES, "limits": limits, "explain": explain}
    app.mount("/static", StaticFiles(directory=HERE / "static"), "static")

    @app.middleware("http")
    async def guarded(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> JSONResponse:
        said = [f"{found['loc'][-1]}: {found['msg']}" for found in error.errors()]
        return JSONResponse({"detail": "; ".join(said)}, 422)

    @app.exception_handler(Full)
    async def full(_: Request, error: Full) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "5"})

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def page() -> str:
        return pages.get_template("segment.html").render(shared)

    @app.get("/nets")
    def list_nets() -> list[dict[str, Any]]:
        """The nets and the names of their classes, by index."""
        return [
            {"name": net.name, "title": net.title, "classes": net.predictor.classes}
            for net in nets.values()
        ]

    @app.post(
        "/segment",
        openapi_extra=IMAGE_BODY,
        responses=REFUSED
        | {
            200: {
                "description": "JSON: classes with colours and shares; `labels`, a palette PNG, "
                "and `map`, an RGB PNG whose red is the class and green its probability, both in "
                "base64. Or the palette PNG itself",
                "content": {"image/png": {}},
            }
        },
    )
    async def segmented(
        request: Request, net: Net = None, side: Side = None, format: Form = Form.json
    ) -> Response:
        """Segment the image in the request's body."""
        chosen = _chosen(nets, net)
        upload = await _uploaded(request)

        def work() -> Response:
            image, size = photograph(upload, side)
            found = segment(chosen, image)
            if format is Form.png:
                return Response(palette_png(chosen, found), media_type="image/png")
            return JSONResponse(as_json(chosen, found, size))

        return await _taken(_while_asked(request, queue.run(work)))

    if not explain:
        return app

    @app.get("/explain", response_class=HTMLResponse, include_in_schema=False)
    def explained(net: Net = None) -> str:
        chosen = _chosen(nets, net)
        drawn = layer_graph.layout(chosen.predictor)
        found = stages_of(nets, chosen)
        return pages.get_template("explain.html").render(
            shared, chosen=chosen, graph=drawn, stages=found
        )

    @app.post("/explain/channels", openapi_extra=IMAGE_BODY, responses=REFUSED)
    async def blob_channels(
        request: Request,
        blob: str,
        net: Net = None,
        side: Side = None,
        first: Annotated[int, Query(ge=0, description="number of the first channel")] = 0,
    ) -> dict[str, Any]:
        """A blob's channels as pictures, and what one of its pixels sees of the image."""
        chosen = _chosen(nets, net)
        if blob not in windows(chosen.param):
            raise HTTPException(404, f"the net has no blob {blob!r} of pixels")
        upload = await _uploaded(request)

        def work() -> dict[str, Any]:
            image, _ = photograph(upload, side)
            return channels(chosen.predictor, image, blob, first)

        return await _taken(_while_asked(request, queue.run(work)))

    return app


def _chosen(nets: Mapping[str, Shown], name: str | None) -> Shown:
    if name is None:
        return next(iter(nets.values()))
    if name not in nets:
        raise HTTPException(404, f"there is no net {name!r}; choose from {', '.join(nets)}")
    return nets[name]


async def _uploaded(request: Request) -> bytes:
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(
            422, "a form: send the image itself as the body (curl --data-binary @FILE, not -F)"
        )
    return await _taken(body(request.stream()))


async def _while_asked(request: Request, work: Awaitable[Answer]) -> Answer:
    """What work gives; it is cancelled once the browser has gone, or asks for another picture."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not working.done():
        working.cancel()
        raise HTTPException(499, "the browser has gone")
    return working.result()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _taken(work: Awaitable[Answer]) -> Answer:
    """What work gives; what is wrong with an upload becomes the answer to it."""
    try:
        return await work
    except TooLarge as error:
        raise HTTPException(413, str(error)) from error
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
