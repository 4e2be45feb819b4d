"""Fetch one file over HTTP: with progress, resuming, and a digest check before it gets its name."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

CHUNK = 1 << 20


class DownloadError(OSError):
    """The file could not be had whole, or is not the expected one."""


def file_digest(path: str | os.PathLike, algorithm: str) -> str:
    """The digest of a file as "algorithm:hex"."""
    digest = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return f"{algorithm}:{digest.hexdigest()}"


def download(url: str, path: str | os.PathLike, digest: str | None) -> None:
    """Fetch url to path, unless path is there already.

    What has come so far lies in PATH.part; the next call goes on from there. digest is
    "algorithm:hex", the whole or how it begins; where it is None nothing vouches for the contents,
    so that their SHA-256 is printed and kept in PATH.sha256 to compare by hand.

    Raises DownloadError if the server can't be reached or stops early (the part stays), or if the
    digest is another (the part is removed).
    """
    path = Path(path)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        _fetch(url, part)
    except DownloadError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(
            f"{url}: {error}; run again to go on, or fetch it by other means and put it at {path}"
        ) from error
    if digest is None:
        found = file_digest(part, "sha256")
        sidecar = path.with_name(path.name + ".sha256")
        sidecar.write_text(f"{found.split(':')[1]}  {path.name}\n")
        print(f"{path}: {found} (no digest is published, so this is not checked; see {sidecar})")
    else:
        found = file_digest(part, digest.split(":")[0])
        if not found.startswith(digest):
            part.unlink()
            raise DownloadError(
                f"{url}: digest {found}, expected {digest}; the download was removed: run again, "
                "and if it is the same the file there has changed"
            )
    os.replace(part, path)


def _fetch(url: str, part: Path) -> None:
    """Bring part up to the whole file behind url, appending where the server can resume."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416:
            raise
        # Nothing lies beyond what we have: "bytes */SIZE" tells whether we have all or too much.
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
            return
        part.unlink()
        return _fetch(url, part)
    with response:
        start = _start(response)
        if start not in (0, have):
            raise DownloadError(f"{url}: asked from byte {have} on, the server sent from {start}")
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        free = shutil.disk_usage(part.parent).free
        if total is not None and total - have > free:
            raise DownloadError(
                f"{url}: {total - have} bytes to come, {free} are free in {part.parent}; "
                "make room there"
            )
        progress = tqdm(
            total=total, initial=start, desc=part.stem, unit="B", unit_scale=True, unit_divisor=1024
        )
        with progress, open(part, "ab" if start else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                progress.update(len(chunk))
    got = part.stat().st_size
    if total is not None and got != total:
        raise DownloadError(f"{url}: ended after {got} of {total} bytes; run again to go on")


def _start(response: http.client.HTTPResponse) -> int:
    """The offset of the response's first byte in the file."""
    if response.status != 206:
        return 0
    # "bytes START-END/SIZE"
    return int(response.headers["Content-Range"].split()[1].split("-")[0])
