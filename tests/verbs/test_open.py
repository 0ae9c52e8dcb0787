"""open: the report in the browser, and its path wherever a browser would be of no use."""

import json
import shutil
import sys
import webbrowser

import pytest
from typer.testing import CliRunner

from tellapart.cli.main import app
from tellapart.errors import UsageError
from tellapart.verbs import open as verb


class Browser(webbrowser.BaseBrowser):
    def __init__(self, name="firefox", starts=True):
        super().__init__(name)
        self.opened, self.starts = [], starts

    def open(self, url, new=0, autoraise=True):
        self.opened.append(url)
        return self.starts


@pytest.fixture
def desktop(monkeypatch):
    """A session with a display and a browser, which is returned."""
    browser = Browser()
    for name in ("SSH_CONNECTION", "SSH_TTY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: browser)
    return browser


@pytest.fixture
def home(stripes_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(stripes_run.path, tmp_path / "runs" / "photos-001")
    return tmp_path / "runs" / "photos-001"


def tellapart(*words):
    return CliRunner().invoke(app(list(words)), list(words))


@pytest.mark.parametrize("name", ((), ("last",), ("photos-001",), ("runs/photos-001/model.keras",)))
def test_the_report_opens_in_the_browser_and_its_path_is_printed(home, desktop, name):
    result = tellapart("open", *name)
    assert result.exit_code == 0
    assert result.stdout == f"{home / 'report.html'}\n"
    assert desktop.opened == [(home / "report.html").as_uri()]


def test_json_has_the_path_and_opens_nothing(home, desktop):
    result = tellapart("open", "photos-001", "--json")
    assert json.loads(result.stdout) == {
        "report": str(home / "report.html"),
        "url": (home / "report.html").as_uri(),
    }
    assert desktop.opened == []


def test_a_remote_session_gets_the_path_only(home, desktop, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22")
    result = tellapart("open", "photos-001")
    assert (result.stdout, result.exit_code) == (f"{home / 'report.html'}\n", 0)
    assert "not opened: this is a remote session" in result.stderr
    assert desktop.opened == []


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="a desktop is always there")
def test_without_a_display(home, desktop, monkeypatch):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert "not opened: there is no graphical display" in tellapart("open").stderr
    assert desktop.opened == []


def test_no_text_browser_takes_over_the_terminal(home, desktop, monkeypatch):
    desktop.basename = "w3m"
    assert "the browser is w3m, which would take over the terminal" in tellapart("open").stderr
    assert desktop.opened == []

    def missing():
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", missing)
    assert "not opened: no browser was found" in tellapart("open").stderr


def test_a_command_that_python_does_not_know_runs_in_the_background(desktop, monkeypatch):
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser(["/opt/my-browser", "--new", "%s"]))
    browser = verb._browser()
    assert isinstance(browser, webbrowser.BackgroundBrowser)
    assert (browser.name, browser.args) == ("/opt/my-browser", ["--new", "%s"])


def test_a_browser_that_does_not_start_is_reported(home, desktop):
    desktop.starts = False
    result = tellapart("open")
    assert result.stderr == "not opened: the browser did not start\n"
    assert result.stdout == f"{home / 'report.html'}\n"


def test_a_run_without_a_report(home, desktop):
    (home / "report.html").unlink()
    record = json.loads((home / "run.json").read_text())
    (home / "run.json").write_text(json.dumps(record | {"status": "stopped"}))
    with pytest.raises(UsageError, match=r"has no report \(interrupted, 6 epochs done\)") as caught:
        verb.run(verb.Options(run="photos-001"), print)
    assert "tellapart train --resume runs/photos-001" in caught.value.action
    with pytest.raises(UsageError, match=r"runs: has no report\.html"):
        verb.run(verb.Options(run="runs"), print)
