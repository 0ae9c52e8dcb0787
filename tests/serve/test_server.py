"""The processes of a service: an orderly end, replaced processes, and model files that change."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import requests

import tellapart
from tellapart.errors import UsageError
from tellapart.progress import silent
from tellapart.serve import mounted
from tests.conftest import stripes
from tests.serve.pictures import png
from tests.serving import counters, served


@pytest.fixture(scope="module")
def picture():
    return png(stripes(1)[0][0])


def test_sigterm_answers_what_was_accepted_and_ends_with_0(stripes_run, tmp_path, picture):
    with served(tmp_path, {"stripes": stripes_run.model_path}, {"grace": 1.0}) as service:
        found, ended = [], threading.Event()

        def ask():
            session = requests.Session()
            while not ended.is_set():
                try:
                    found.append(session.post(f"{service.url}/predict", data=picture, timeout=10).status_code)
                except requests.ConnectionError:  # once it accepts no more
                    found.append(None)
                    return

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for thread in askers:
            thread.start()
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert requests.get(f"{service.url}/readyz", timeout=5).status_code == 503
        assert requests.get(f"{service.url}/livez", timeout=5).status_code == 200
        assert service.ask(picture).status_code == 200
        assert service.process.wait(30) == 0
        ended.set()
        for thread in askers:
            thread.join()
    assert set(found) <= {200, None}
    assert found.count(200) > 10
    assert found.count(None) <= 4


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_a_process_that_is_killed_is_replaced(stripes_run, tmp_path, picture):
    with served(tmp_path, {"stripes": stripes_run.model_path}, workers=2) as service:
        for _ in range(20):
            assert service.ask(picture).status_code == 200
        found = subprocess.run(["pgrep", "-P", str(service.process.pid)], capture_output=True, text=True, check=True)
        children = [int(pid) for pid in found.stdout.split()]
        workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        until = time.monotonic() + 30
        while not any(entry["event"] == "process ended" for entry in service.log()):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert [entry["exit"] for entry in service.log()] == [-9]
        for _ in range(20):
            assert service.ask(picture).status_code == 200
        count = sum(
            value for name, value in counters(service).items() if name.startswith("tellapart_predictions_total")
        )
        assert count == 40, "the counters of all processes, also of the one that ended, are added"
        assert service.stop() == 0


def test_a_new_model_file_takes_over_and_a_bad_one_does_not(stripes_run, tmp_path, picture):
    model = tmp_path / "model.keras"
    shutil.copy(stripes_run.model_path, model)
    other = tellapart.load(stripes_run.model_path).with_max_error_rate(0.5)
    with served(tmp_path, {"stripes": model}) as service:

        def version():
            answer = service.ask(picture)
            assert answer.status_code == 200
            return answer.json()["version"]

        def logged(words):
            until = time.monotonic() + 30
            while not any(words in entry.get("message", "") for entry in service.log()):
                assert time.monotonic() < until, service.log()
                version()

        first = version()
        half = tmp_path / "half"
        half.write_bytes(model.read_bytes()[:5000])
        half.replace(model)
        logged(f"the new file is refused ({model}")
        assert version() == first
        other.save(tmp_path / "next.keras").replace(model)
        logged(f"replaces {first}")
        assert version() != first
        infos = {name: value for name, value in counters(service).items() if name.startswith("tellapart_model_info")}
        assert {f'version="{first}"' in name: value for name, value in infos.items()} == {True: 0, False: 1}
        assert "unsure" in service.ask(picture).json()["predictions"][0]


def test_a_token_is_wanted_except_by_probes(stripes_run, tmp_path, picture):
    with served(tmp_path, {"stripes": stripes_run.model_path}, token="sesame-sesame") as service:
        assert service.ask(picture).status_code == 401
        assert service.ask(picture, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert service.ask(picture, headers={"Authorization": "Bearer sesame-sesame"}).status_code == 200
        assert requests.get(f"{service.url}/metrics", timeout=5).status_code == 401
        assert requests.get(f"{service.url}/livez", timeout=5).status_code == 200


def test_pages_of_named_origins_may_ask(stripes_run, tmp_path):
    page = "https://shop.example"
    with served(tmp_path, {"stripes": stripes_run.model_path}, token="sesame-sesame", origins=(page,)) as service:

        def allowed(origin):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            asked["Access-Control-Request-Headers"] = "authorization"
            answer = requests.options(f"{service.url}/predict", headers=asked, timeout=5)
            return answer.headers.get("Access-Control-Allow-Origin")

        assert allowed(page) == page
        assert allowed("https://evil.example") is None


def test_the_verb(stripes_run, tmp_path, picture):
    command = [sys.executable, "-m", "tellapart", "serve", f"mine={stripes_run.path}", "--port", "0", "--workers", "1",
               "--grace", "0", "--access-log"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    line = process.stderr.readline()
    assert line.startswith("serving 1 model (mine) on 1 process at http://127.0.0.1:")
    url = line.split()[8].rstrip(";")
    for _ in range(600):
        try:
            answer = requests.post(f"{url}/predict", data=picture, timeout=10)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    assert answer.json()["model"] == "mine"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert output.startswith("stopped after")
    assert '"path": "/predict", "status": 200' in errors


def test_wrong_words(stripes_run, tmp_path):
    with pytest.raises(UsageError, match="two models are called 'a'"):
        tellapart.serve([f"a={stripes_run.path}", f"a={stripes_run.model_path}"], on_event=silent)
    with pytest.raises(UsageError, match="one of --tls-cert and --tls-key"):
        tellapart.serve([str(stripes_run.path)], tls_cert=tmp_path / "x", on_event=silent)
    with pytest.raises(UsageError, match=r"port 8000: cannot be used"):
        tellapart.serve([str(stripes_run.path)], host="192.0.2.1", on_event=silent)
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"no model")
    with pytest.raises(tellapart.ModelFileError, match=r"broken\.keras"):
        tellapart.serve([str(broken)], on_event=silent)


def test_answers_over_http_are_those_of_predict(stripes_run, tmp_path):
    pixels, _ = stripes(60, seed=5)
    files = [png(one) for one in pixels]
    expected = stripes_run.model.predict_proba(files)
    with served(tmp_path, {"stripes": stripes_run.model_path}, workers=2) as service:
        found = [list(service.ask(data).json()["predictions"][0]["probabilities"].values()) for data in files]
    assert np.abs(np.array(found) - expected).max() < 1e-6


def test_without_the_extra(stripes_run, monkeypatch):
    monkeypatch.setattr(mounted, "NEEDED", ("starlette", "not_installed_at_all", "nor_this"))
    for call in (
        lambda: tellapart.serve(["x"], on_event=silent),
        lambda: tellapart.serve_app({"a": stripes_run.model}),
    ):
        with pytest.raises(UsageError, match="not_installed_at_all and nor_this are not installed") as error:
            call()
        assert error.value.action == "pip install 'tellapart[serve]'"
