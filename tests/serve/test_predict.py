"""POST /predict: every form of a picture gets the answer of `Classifier.predict`; wrong requests get a sentence."""

import asyncio
import base64
import gzip
import json
import zlib

import numpy as np
import pytest
import requests

import tellapart
from tests.conftest import stripes
from tests.serve.pictures import png
from tests.serving import counters, served


@pytest.fixture(scope="module")
def files():
    return [png(pixels) for pixels in stripes(6)[0]]


@pytest.fixture(scope="module")
def service(stripes_run, tmp_path_factory):
    models = {"stripes": stripes_run.model_path, "second": stripes_run.model_path}
    limits = {"body": 100_000, "pictures": 4, "pixels": 50_000}
    with served(tmp_path_factory.mktemp("service"), models, limits) as running:
        yield running


def probabilities(answer):
    assert answer.status_code == 200, answer.text
    return np.array([list(one["probabilities"].values()) for one in answer.json()["predictions"]])


def test_every_form_gets_the_answer_of_the_classifier(service, stripes_run, files):
    expected = np.array([list(one.probabilities.values()) for one in stripes_run.model.predict(files[:4])])
    texts = [base64.b64encode(data).decode() for data in files[:4]]
    url = f"{service.url}/predict"
    raw = [probabilities(service.ask(data))[0] for data in files[:4]]
    assert np.abs(raw - expected).max() < 1e-6
    form = requests.post(url, files=[("file", (f"{i}.png", data)) for i, data in enumerate(files[:4])], timeout=30)
    assert np.abs(probabilities(form) - expected).max() < 1e-6
    assert [one["source"] for one in form.json()["predictions"]] == ["0.png", "1.png", "2.png", "3.png"]
    several = requests.post(url, json={"images": texts}, timeout=30)
    assert np.abs(probabilities(several) - expected).max() < 1e-6
    one = requests.post(url, json={"image": f"data:image/png;base64,{texts[0]}"}, timeout=30)
    assert np.abs(probabilities(one) - expected[:1]).max() < 1e-6
    for encoding, packed in (("gzip", gzip.compress(files[0])), ("deflate", zlib.compress(files[0]))):
        answer = service.ask(packed, headers={"Content-Encoding": encoding})
        assert np.abs(probabilities(answer) - expected[:1]).max() < 1e-6


def test_what_an_answer_says(service, stripes_run, files):
    answer = service.ask(files[0], headers={"X-Request-Id": "mine-7"}, params={"top": 1, "model": "second"})
    assert answer.headers["X-Request-Id"] == "mine-7"
    content = answer.json()
    assert content["request_id"] == "mine-7"
    assert content["model"] == "second"
    assert len(content["version"]) == 12
    expected = stripes_run.model.predict(files[0]).to_dict(1)
    found = content["predictions"][0]
    assert list(found) == list(expected)
    assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
    assert [found[name] for name in ("label", "out_of_distribution")] == [expected["label"], False]
    assert requests.get(f"{service.url}/healthz", timeout=5).json()["models"]["second"] == content["version"]


def test_what_one_of_several_pictures_lacks_stands_in_its_place(service, files):
    form = [("file", ("a.png", files[0])), ("file", ("b.png", b"no picture"))]
    answer = requests.post(f"{service.url}/predict", files=form, timeout=30)
    assert answer.status_code == 200
    assert [set(one) >= {"error"} for one in answer.json()["predictions"]] == [False, True]


def test_wrong_requests_get_a_sentence(service, files):
    url, large = f"{service.url}/predict", png(np.zeros((300, 300), np.uint8))
    image = {"content-type": "application/json"}
    for answer, status, words in (
        (service.ask(b""), 400, "the request has no picture"),
        (service.ask(b"no picture"), 422, "picture: is not a picture of a known format"),
        (service.ask(large), 422, "has 90,000 pixels; 50,000 are allowed"),
        (service.ask(b"x" * 100_001), 413, "larger than the 100,000 bytes"),
        (service.ask(iter([b"x" * 60_000] * 2)), 413, "larger than the 100,000 bytes"),
        (service.ask(gzip.compress(b"x" * 200_000), headers={"Content-Encoding": "gzip"}), 413, "larger than"),
        (service.ask(b"no gzip", headers={"Content-Encoding": "gzip"}), 400, "not valid gzip"),
        (service.ask(gzip.compress(b"x" * 9)[:-9], headers={"Content-Encoding": "gzip"}), 400, "ends early"),
        (service.ask(b"x", headers={"Content-Encoding": "br"}), 415, "'br' is not known"),
        (service.ask(b"{", headers=image), 400, "not valid JSON"),
        (service.ask(b"[" * 90_000, headers=image), 400, "not valid JSON"),
        (service.ask(b"{}", headers=image), 400, "the JSON is not"),
        (service.ask(b'{"image": 3}', headers=image), 400, "image is not a text in base64"),
        (service.ask(b'{"images": ["", "?"]}', headers=image), 400, "images[1] is not valid base64"),
        (service.ask(b'{"images": {}}', headers=image), 400, "images is not a list"),
        (service.ask(json.dumps({"images": [""] * 5}), headers=image), 413, "5 pictures; 4 are allowed"),
        (service.ask(b"x", headers={"content-type": "multipart/form-data"}), 400, "the form cannot be read"),
        (service.ask(files[0], params={"top": "0"}), 400, "top is not a whole number above 0"),
        (service.ask(files[0], params={"topk": "1"}), 400, "the parameter 'topk' is not known"),
        (service.ask(files[0], params={"model": "stripe"}), 404, "unknown model 'stripe'"),
        (service.ask(files[0], headers={"X-Timeout-Seconds": "soon"}), 400, "not a number of seconds"),
        (requests.get(url, timeout=5), 405, "does not answer that method"),
        (requests.get(f"{url}/more", timeout=5), 404, "nothing at this address"),
    ):
        assert answer.status_code == status, (words, answer.text)
        assert words in answer.json()["error"]
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
        assert "/" not in answer.json()["error"].replace("multipart/form-data", "")
    assert service.log() == []


def test_the_counters_count(service, files):
    before = counters(service)
    service.ask(files[0])
    service.ask(b"no picture")
    after = counters(service)

    def more(start):
        return sum(value - before.get(name, 0) for name, value in after.items() if name.startswith(start))

    assert more('tellapart_predictions_total{label="') == 1
    assert more("tellapart_unreadable_total") == 1
    assert more('tellapart_refused_total{reason="unreadable"}') == 1
    assert more('http_server_request_duration_seconds_count{method="POST",route="/predict",status="200"}') == 1
    assert more('http_server_request_duration_seconds_count{method="POST",route="/predict",status="422"}') == 1


def test_the_application_in_python_answers_too(stripes_run, files):
    """As in another server: no socket, only the protocol of ASGI."""
    app, sent = tellapart.serve_app({"stripes": tellapart.load(stripes_run.model_path)}, token="sesame-sesame"), []
    body = [{"type": "http.request", "body": files[0], "more_body": False}]

    async def receive():
        if body:
            return body.pop()
        return await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/predict", "raw_path": b"/predict", "query_string": b"",
        "root_path": "", "headers": [(b"authorization", b"Bearer sesame-sesame"), (b"content-length", b"9")],
        "http_version": "1.1", "scheme": "http", "server": ("x", 1), "client": ("y", 2), "asgi": {"version": "3.0"},
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"])["predictions"][0]["label"] == stripes_run.model.predict(files[0]).label
