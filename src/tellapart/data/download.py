"""Fetch a file of known hash: go on where it broke off, trust nothing the server says, leave nothing half-done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tellapart.errors import DownloadError
from tellapart.files import sha256_of_file
from tellapart.progress import Listener, Progress

ATTEMPTS = 4
TIMEOUT = (5, 30)
"""Seconds to wait for a connection, and for the next bytes."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to fetch: the name it gets, where it is (mirrors in order), its SHA-256 and its size in bytes."""

    name: str
    urls: tuple[str, ...]
    sha256: str
    size: int


class _BrokenError(Exception):
    """One attempt failed; `again` says whether another at the same address may help."""

    def __init__(self, reason: str, again: bool) -> None:
        super().__init__(reason)
        self.again = again


def fetch(remote: Remote, folder: Path, on_event: Listener, sleep: Callable[[float], None] = time.sleep) -> Path:
    """The path of the file in `folder`, downloaded unless it is there.

    A partial download stays beside it as `<name>.part` and is taken up again by the next call. The file gets its name
    only after size and hash are right. Raises DownloadError after every mirror failed.
    """
    path = folder / remote.name
    if path.is_file() and path.stat().st_size == remote.size:
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(
            f"{folder}: cannot be made ({error.strerror})",
            "a folder for downloads",
            "set TELLAPART_CACHE to a folder that can be written to",
        ) from error
    reasons = []
    with _alone(folder):
        for url in remote.urls:
            for attempt in range(ATTEMPTS):
                try:
                    return _attempt(remote, url, path, on_event)
                except _BrokenError as error:
                    reasons.append(f"{url}: {error}")
                    if not error.again:
                        break
                    sleep(0.5 * 2**attempt)
    raise DownloadError(
        f"{remote.name} could not be downloaded ({'; '.join(dict.fromkeys(reasons))})",
        f"a file of {remote.size:,} bytes with the SHA-256 {remote.sha256}",
        f"check the network and run the command again (it goes on where it broke off), or put the file into {folder}",
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process downloads into `folder`; the system lets go of the lock if we die."""
    try:
        import fcntl
    except ImportError:  # Windows; there two first downloads at once may spoil each other, which the hash finds
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _attempt(remote: Remote, url: str, path: Path, on_event: Listener) -> Path:
    if path.is_file() and path.stat().st_size == remote.size:  # another process has fetched it meanwhile
        return path
    part = path.with_name(path.name + ".part")
    resumed = part.exists()
    if not resumed or part.stat().st_size < remote.size:
        _receive(remote, url, part, on_event)
    size = part.stat().st_size
    if size < remote.size:
        raise _BrokenError(f"ended after {size:,} of {remote.size:,} bytes", again=True)
    if size > remote.size or sha256_of_file(part) != remote.sha256:
        part.unlink()
        raise _BrokenError("sent other bytes than were published", again=resumed)  # the old piece may be to blame
    part.replace(path)
    return path


def _receive(remote: Remote, url: str, part: Path, on_event: Listener) -> None:
    import requests  # here: it is slow to import, and only a first download needs it
    import urllib3

    have = part.stat().st_size if part.exists() else 0
    # Identity, because a transparently unpacked .gz would have another hash.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with closing(requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)) as response:
            if response.status_code == 416:  # what we have does not fit what is there
                part.unlink()
                raise _BrokenError("could not go on with the partial download", again=True)
            if response.status_code not in (200, 206):
                raise _BrokenError(
                    f"answered {response.status_code} {response.reason}", again=response.status_code >= 500
                )
            goes_on = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            )
            _store(remote, response.raw, part, have if goes_on else 0, on_event)
    except requests.ConnectionError as error:
        raise _BrokenError(_short(error), again=have > 0) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _BrokenError(_short(error), again=True) from error


def _store(remote: Remote, stream: Any, part: Path, have: int, on_event: Listener) -> None:
    with part.open("ab" if have else "wb") as file:
        for piece in stream.stream(2**16, decode_content=False):
            have += len(piece)
            file.write(piece)
            on_event(Progress(f"download {remote.name}", min(have, remote.size), remote.size, "bytes"))
            if have > remote.size:  # a server that never ends would fill the disk
                return


def _short(error: Exception) -> str:
    text = str(error)
    for words, meaning in (
        ("resolve", "no network, or no such host"),
        ("refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("IncompleteRead", "the connection broke off"),
        ("Connection broken", "the connection broke off"),
        ("unreachable", "no network"),
    ):
        if words in text:
            return meaning
    return text.splitlines()[0][:120] if text else type(error).__name__
