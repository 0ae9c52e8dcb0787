"""Download a file of known size and hash: resume an interrupted download, verify everything, try mirrors in order."""

from __future__ import annotations

import errno
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from tellapart.errors import DownloadError
from tellapart.files import has_digest
from tellapart.progress import Listener, Progress

ATTEMPTS = 4
"""How often an address is tried."""

TIMEOUT = (5, 30)
"""Seconds to wait for a connection, and for the next bytes."""

LOCK = ".lock"
"""The lock file in a folder of downloads. Its name is hidden, so that it is not taken for data."""

MOST = 2**32
"""The bytes that a file of unknown size may have."""

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH)


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to download: its name on disk, its addresses (mirrors in order), its SHA-256 and its size in bytes.

    Where less was published, the first digits of the SHA-256 are enough, or an MD5, and the size may be None.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    size: int | None
    md5: str = ""

    @property
    def most(self) -> int:
        """The bytes beyond which a download is not continued."""
        return MOST if self.size is None else self.size

    def is_complete(self, path: Path) -> bool:
        """Whether a file exists and has the size."""
        return path.is_file() and self.size in (None, path.stat().st_size)

    def __str__(self) -> str:
        size = f" of {self.size:,} bytes" if self.size is not None else ""
        return f"a file{size} with the {f'SHA-256 {self.sha256}' if self.sha256 else f'MD5 {self.md5}'}"


class _AttemptError(Exception):
    """One attempt failed; `retry` is true where another attempt at the same address may succeed."""

    def __init__(self, reason: str, retry: bool) -> None:
        super().__init__(reason)
        self.retry = retry


def fetch(remote: Remote, folder: Path, on_event: Listener, sleep: Callable[[float], None] = time.sleep) -> Path:
    """Download a file into `folder`, unless it is there, and return its path.

    A partial download is kept as `<name>.part` and resumed by the next call. The file gets its name only after its
    size and hash were verified. Other processes wait until this download has ended. Raises DownloadError if every
    mirror failed, or if the folder cannot be written to.
    """
    path = folder / remote.name
    if remote.is_complete(path):
        return path
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()  # the system releases it if this process dies
    except OSError as error:
        raise DownloadError(
            f"{folder}: cannot be written to ({error.strerror})",
            "a folder for downloads",
            "set TELLAPART_CACHE to a folder that can be written to",
        ) from error
    try:
        return _from_mirrors(remote, path, on_event, sleep)
    finally:
        lock.release()


def _from_mirrors(remote: Remote, path: Path, on_event: Listener, sleep: Callable[[float], None]) -> Path:
    reasons = []
    for url in remote.urls:
        for attempt in range(ATTEMPTS):
            try:
                return _attempt(remote, url, path, on_event)
            except _AttemptError as error:
                reasons.append(f"{url}: {error}")
                if not error.retry:
                    break
                sleep(0.5 * 2**attempt)
    raise DownloadError(
        f"{remote.name} could not be downloaded ({'; '.join(dict.fromkeys(reasons))})",
        str(remote),
        f"check the network and run the command again (the download resumes), or put the file into {path.parent}",
    )


def _attempt(remote: Remote, url: str, path: Path, on_event: Listener) -> Path:
    if remote.is_complete(path):  # another process has downloaded it
        return path
    partial = path.with_name(path.name + ".part")
    resumed = partial.exists()
    if not resumed or remote.size is None or partial.stat().st_size < remote.size:
        _receive(remote, url, partial, on_event)
    size = partial.stat().st_size
    if remote.size is not None and size < remote.size:
        raise _AttemptError(f"ended after {size:,} of {remote.size:,} bytes", retry=True)
    if size > remote.most or not has_digest(partial, remote.sha256, remote.md5):
        partial.unlink()
        raise _AttemptError("sent other bytes than were published", retry=resumed)  # the old bytes may be wrong
    partial.replace(path)
    return path


def _receive(remote: Remote, url: str, partial: Path, on_event: Listener) -> None:
    import requests  # here: it is slow to import, and only a first download needs it
    import urllib3

    size = partial.stat().st_size if partial.exists() else 0
    # Identity, because a transparently unpacked .gz would have another hash.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={size}-"} if size else {})
    try:
        with closing(requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)) as response:
            if response.status_code == 416:  # the partial file does not fit the file on the server
                partial.unlink()
                raise _AttemptError("could not resume the partial download", retry=True)
            if response.status_code not in (200, 206):
                raise _AttemptError(
                    f"answered {response.status_code} {response.reason}", retry=response.status_code >= 500
                )
            sent = response.headers.get("Content-Range", "")
            resumes = response.status_code == 206 and sent.startswith(f"bytes {size}-")
            _store(remote, response.raw, partial, size if resumes else 0, on_event)
    except requests.ConnectionError as error:
        raise _AttemptError(_short(error), retry=size > 0) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _AttemptError(_short(error), retry=True) from error


def _store(remote: Remote, response: Any, partial: Path, size: int, on_event: Listener) -> None:
    """Append the bytes of a response to the first `size` bytes of the partial file."""
    with partial.open("ab" if size else "wb") as file:
        for piece in response.stream(2**16, decode_content=False):
            size += len(piece)
            file.write(piece)
            on_event(Progress(f"download {remote.name}", min(size, remote.most), remote.size, "bytes"))
            if size > remote.most:  # a server that sends without end would fill the disk
                return


def _short(error: BaseException) -> str:
    """Say in a few words why a connection failed, by the types of the errors that led to it."""
    import urllib3.exceptions as urllib3

    causes = list(_causes(error))
    for kinds, meaning in (
        ((socket.gaierror,), "no network, or no such host"),
        ((ConnectionRefusedError,), "connection refused"),
        ((urllib3.TimeoutError, TimeoutError), "no answer in time"),
        ((urllib3.ProtocolError, http.client.IncompleteRead), "the connection was interrupted"),
    ):
        if any(isinstance(cause, kinds) for cause in causes):
            return meaning
    if any(isinstance(cause, OSError) and cause.errno in _UNREACHABLE for cause in causes):
        return "no network"
    text = str(error)
    return text.splitlines()[0][:120] if text else type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it: as its cause or context, or wrapped in it."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        wrapped = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        waiting += [other for other in wrapped if isinstance(other, BaseException)]
