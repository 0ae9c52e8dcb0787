"""Connections that are silent, slow or huge are ended in time, and others do not notice."""

import json
import socket
import time

import pytest
import requests

from tests.serving import served

LIMITS = {"header_seconds": 0.6, "body_seconds": 0.8, "idle_seconds": 1, "header": 2000, "connections": 20}


@pytest.fixture(scope="module")
def service(stripes_run, tmp_path_factory):
    with served(tmp_path_factory.mktemp("service"), {"stripes": stripes_run.model_path}, LIMITS) as running:
        yield running


def ended(connection, most=10.0):
    """What comes until the connection is closed, and after how many seconds that was."""
    started, parts = time.monotonic(), []
    connection.settimeout(most)
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts), time.monotonic() - started


def status_of(answer):
    return int(answer.split()[1]), json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]


@pytest.mark.parametrize("sent", (b"", b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half"))
def test_headers_must_come_in_time(service, sent):
    with service.connect() as connection:
        connection.sendall(sent)
        answer, seconds = ended(connection)
    assert status_of(answer) == (408, "the headers did not arrive within 0.6 seconds")
    assert 0.4 < seconds < 5


def test_dripping_headers_do_not_help(service):
    with service.connect() as connection:
        started = time.monotonic()
        with pytest.raises(OSError):  # a broken pipe or a reset
            for byte in b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-Drip: drip\r\n" * 100:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
        assert time.monotonic() - started < 5


def test_a_body_must_come_in_time(service):
    with service.connect() as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf")
        answer, seconds = ended(connection)
    assert status_of(answer) == (408, "the body did not arrive within 0.8 seconds")
    assert 0.5 < seconds < 5


@pytest.mark.parametrize("end", (b"", b"\r\n\r\n"))
def test_huge_headers_are_refused(service, end):
    with service.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Huge: " + b"x" * 4000 + end)
        answer, _ = ended(connection)
    assert status_of(answer) == (431, "the headers are too large")


def test_a_large_body_does_not_count_as_headers(service):
    with service.connect() as connection:
        head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n"
        connection.sendall(head + b"x" * 5000)
        answer, _ = ended(connection)
    assert status_of(answer)[0] == 422


def test_what_is_no_request_gets_json(service):
    with service.connect() as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer, _ = ended(connection)
    assert status_of(answer) == (400, "this is not a valid HTTP request")


def test_an_idle_connection_is_closed_and_a_used_one_stays(service):
    with service.connect() as connection:
        for _ in range(4):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b""
            while not answer.endswith(b'{"live":true}'):
                part = connection.recv(65536)
                assert part
                answer += part
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(0.4)
        answer, seconds = ended(connection)
    assert answer == b""
    assert seconds < 5


def test_too_many_connections_are_refused(service):
    some = [service.connect() for _ in range(20)]
    try:
        time.sleep(0.1)
        with service.connect() as connection:
            answer, _ = ended(connection)
        assert status_of(answer) == (503, "too many connections")
        assert b"retry-after: 1\r\n" in answer
    finally:
        for connection in some:
            connection.close()


def test_another_host_is_refused(service):
    with service.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: evil.example:80\r\n\r\n")
        answer, _ = ended(connection)
    assert status_of(answer) == (421, "this service does not answer for that host")


def test_many_bad_clients_do_not_stop_a_good_one(service):
    bad = [service.connect() for _ in range(15)]
    try:
        for number, connection in enumerate(bad):
            connection.sendall((b"", b"GET / HT", b"POST /predict HTTP/1.1\r\nContent-Length: 99\r\n\r\nx")[number % 3])
        assert requests.get(f"{service.url}/readyz", timeout=5).status_code == 200
    finally:
        for connection in bad:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
