"""The download against a server on this machine that also breaks off, lies about lengths and sends wrong bytes."""

import errno
import hashlib
import http.client
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
from filelock import FileLock

from tellapart.data.download import ATTEMPTS, LOCK, Remote, _short, fetch
from tellapart.errors import DownloadError
from tellapart.progress import silent

DATA = bytes(range(256)) * 4096


class Server(BaseHTTPRequestHandler):
    requests: list

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.requests.append((self.path, start))
        getattr(self, self.path.strip("/"))(start)

    def answer(self, data, start=0, status=None, length=None):
        self.send_response(status or (206 if start else 200))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def good(self, start):
        self.answer(DATA[start:], start)

    def breaks(self, start):
        """Sends a third of what it promised."""
        self.answer(DATA[start : start + 400_000], start, length=len(DATA) - start)

    def breaks_and_forgets(self, start):
        """Breaks off, and answers a request for the rest with the whole."""
        first = len([1 for path, _ in self.requests if path == self.path]) == 1
        self.answer(DATA[:300_000] if first else DATA, length=len(DATA))

    def short(self, start):
        """Promises less than the file has, and keeps that promise."""
        self.answer(DATA[start : start + 1000], start)

    def endless(self, start):
        self.answer(DATA * 3)

    def wrong(self, start):
        self.answer(DATA[::-1])

    def missing(self, start):
        self.answer(b"no such file", status=404)

    def busy(self, start):
        self.answer(b"busy", status=503) if len(self.requests) < 3 else self.good(start)

    def refuses_range(self, start):
        self.answer(b"", status=416) if start else self.good(start)

    def compresses(self, start):
        """A server that would unpack or pack on its way must not change what is stored."""
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    Server.requests = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/"
    running.shutdown()
    running.server_close()
    thread.join()


def remote(*urls):
    return Remote("file.bin", urls, hashlib.sha256(DATA).hexdigest(), len(DATA))


def get(what, folder, on_event=silent):
    return fetch(what, folder, on_event, sleep=lambda seconds: None)


def files(folder):
    """The names of the files of a folder but for the lock."""
    return [file.name for file in folder.iterdir() if file.name != LOCK]


@pytest.mark.parametrize("kind", ("good", "breaks", "breaks_and_forgets", "busy", "compresses"))
def test_what_arrives_is_the_file(kind, server, tmp_path):
    events = []
    path = get(remote(server + kind), tmp_path, events.append)
    assert path.read_bytes() == DATA
    assert files(tmp_path) == ["file.bin"]
    assert events[-1].finished
    count = len(Server.requests)
    assert get(remote(server + kind), tmp_path) == path
    assert len(Server.requests) == count, "a file that is there is not fetched again"


def test_an_interrupted_download_resumes(server, tmp_path):
    get(remote(server + "breaks"), tmp_path)
    assert [start for _, start in Server.requests] == [0, 400_000, 800_000]


def test_a_later_call_resumes_the_partial_file(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(DATA[:700_000])
    assert get(remote(server + "good"), tmp_path).read_bytes() == DATA
    assert Server.requests == [("/good", 700_000)]


def test_a_partial_file_that_the_server_refuses_is_downloaded_again(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(DATA[:700_000])
    assert get(remote(server + "refuses_range"), tmp_path).read_bytes() == DATA


def test_a_spoilt_partial_file_is_dropped(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"x" * 700_000)
    assert get(remote(server + "good"), tmp_path).read_bytes() == DATA
    assert [start for _, start in Server.requests] == [700_000, 0]


@pytest.mark.parametrize(
    ("kind", "words"),
    (
        ("wrong", "sent other bytes than were published"),
        ("endless", "sent other bytes than were published"),
        ("missing", "answered 404"),
    ),
)
def test_what_does_not_match_is_not_kept(kind, words, server, tmp_path):
    with pytest.raises(DownloadError) as caught:
        get(remote(server + kind), tmp_path)
    assert words in caught.value.given
    assert hashlib.sha256(DATA).hexdigest() in caught.value.expected
    assert files(tmp_path) == []
    assert len(Server.requests) == 1, "asking again would not help"


def test_a_server_that_sends_too_little_is_given_up(server, tmp_path):
    with pytest.raises(DownloadError, match="ended after"):
        get(remote(server + "short"), tmp_path)
    assert len(Server.requests) == ATTEMPTS
    assert not (tmp_path / "file.bin").exists()


def test_the_next_mirror_is_tried(server, tmp_path):
    assert get(remote(server + "missing", server + "wrong", server + "good"), tmp_path).read_bytes() == DATA


def test_no_server_at_all(tmp_path):
    with pytest.raises(DownloadError, match="connection refused"):
        get(remote("http://127.0.0.1:9/file.bin"), tmp_path)


def test_two_processes_at_once_fetch_it_once(server, tmp_path):
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(get(remote(server + "good"), tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert paths[0].read_bytes() == DATA
    assert len(Server.requests) == 1


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written to"):
        get(remote("http://127.0.0.1:9/"), tmp_path / "file" / "cache")

    def refuse(lock):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(DownloadError, match=r"cannot be written to \(Permission denied\)"):
        get(remote("http://127.0.0.1:9/"), tmp_path)


def test_the_lock_is_free_after_a_failure(server, tmp_path):
    with pytest.raises(DownloadError):
        get(remote(server + "missing"), tmp_path)
    with FileLock(tmp_path / LOCK, timeout=0):
        pass


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    (
        (caused(OSError("x"), ConnectionRefusedError("y")), "connection refused"),
        (caused(OSError("x"), socket.gaierror("y")), "no network, or no such host"),
        (OSError("x", TimeoutError("y")), "no answer in time"),
        (urllib3.exceptions.ProtocolError("x", http.client.IncompleteRead(b"")), "the connection was interrupted"),
        (caused(OSError("x"), OSError(errno.ENETUNREACH, "y")), "no network"),
        (OSError("the connection was refused, timed out, unreachable"), "the connection was refused, timed out, unr"),
    ),
)
def test_the_reason_of_a_failure_is_known_by_its_type(error, words):
    assert _short(error).startswith(words)
