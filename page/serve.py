"""Serving the page: where it listens, what that means, and what is said of it."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import webbrowser
from collections.abc import Iterable
from threading import Timer

import uvicorn

import command_line

from .application import application
from .limits import QUEUE
from .shown_nets import Loaded, shown


def serve(nets: Iterable[Loaded], *, host: str, port: int, explain: bool) -> None:
    """Serve the page of these nets until Ctrl-C, and open it in the browser.

    Raises OSError for an address that is in use or that this machine has not.
    """
    with contextlib.suppress(KeyboardInterrupt):  # also before uvicorn waits for it
        app = application(shown(nets), explain=explain)
        with listening(host, port) as listener:
            if warning := reach(host):
                command_line.warn(warning)
            address = url(host, listener.getsockname()[1])
            print(f"{address} (Ctrl-C ends it)", flush=True)
            if warning is None:
                browser = Timer(0.5, webbrowser.open, [address])
                browser.daemon = True  # no page comes up of a server that has ended
                browser.start()
            config = uvicorn.Config(
                app,
                log_level="warning",
                limit_concurrency=4 * QUEUE,  # more are refused before their bodies are read
                timeout_graceful_shutdown=2,
            )
            uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address; OSError that names the cure where it cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError as error:
        raise OSError(f"--host {host}: is no address ({error.strerror or error})") from None
    try:
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                f"port {port} of {host} is in use: end the other program, or choose another "
                "(--port; 0: any that is free)"
            ) from None
        raise OSError(f"{host}:{port}: cannot be listened at ({error.strerror})") from None
    return listener


def reach(host: str) -> str | None:
    """What it means to listen at an address that others reach; None for this machine's own."""
    try:
        if ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:
        if host == "localhost":
            return None
    return (
        f"--host {host}: whoever reaches this machine can send pictures, without a password and "
        "unencrypted, and so take its processor; use it in a network that you trust, and leave "
        "--host out otherwise"
    )


def url(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name and name[0] != '[' else name}:{port}/"
