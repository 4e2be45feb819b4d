"""Laws of where the page listens, and of what infer.py says of it."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from support import tiny_fcn

pytest.importorskip("uvicorn", reason='not installed: pip install ".[page]"')

from page.serve import listening, reach, url

ROOT = Path(__file__).parents[2]


def test_a_port_in_use_is_an_error_with_the_cure():
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"port {port} of 127.0.0.1 is in use: .*--port"):
            listening("127.0.0.1", port)


def test_what_is_no_address_of_this_machine_is_an_error():
    with pytest.raises(OSError, match="is no address"):
        listening("no such host", 0)
    with pytest.raises(OSError, match="cannot be listened at"):
        listening("192.0.2.1", 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.3", "photos.example"])
def test_a_host_that_others_reach_is_warned_of(host):
    assert "whoever reaches this machine" in reach(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_alone_is_not(host):
    assert reach(host) is None


def test_the_address_can_be_opened_here():
    assert url("0.0.0.0", 80) == "http://127.0.0.1:80/"
    assert url("::1", 8000) == url("::", 8000) == "http://[::1]:8000/"


def test_a_server_answers_until_ctrl_c_and_ends_without_a_word(tmp_path):
    weights = tiny_fcn.write_weights(tmp_path, "fcn32s", 21)
    with subprocess.Popen(
        [sys.executable, ROOT / "infer.py", "--serve", "--port", "0", "--weights", weights],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BROWSER": "true"},
    ) as running:
        address = re.match(r"(http://127\.0\.0\.1:\d+/) ", running.stdout.readline())[1]
        with urllib.request.urlopen(f"{address}nets") as answer:
            assert b"fcn32s-21" in answer.read()
        running.send_signal(signal.SIGINT)
        _, error = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "Traceback" not in error


def test_ctrl_c_in_the_first_moment_ends_it_without_a_word_too(cli, monkeypatch, tmp_path, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("page.serve.reach", interrupted)
    weights = tiny_fcn.write_weights(tmp_path, "fcn32s", 21)
    arguments = ["--serve", "--dataset", "voc", "--port", "0", "--weights", str(weights)]
    assert cli.main(arguments) == 0
    assert "error" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--serve", "a.jpg"], "a.jpg: --serve takes images from the page"),
        (["--serve", "--weights", "gone.caffemodel"], "gone.caffemodel: no such weights"),
    ],
)
def test_what_does_not_fit_is_one_line(cli, capsys, arguments, message):
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert len(error.splitlines()) == 1


def test_without_the_packages_the_message_names_the_cure(cli, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "page.serve", None)
    monkeypatch.delitem(sys.modules, "uvicorn", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "page.serve")
    assert cli.main(["--serve"]) == 1
    assert "`make page` installs it" in capsys.readouterr().err


def test_a_port_in_use_ends_the_command_with_one_line(cli, capsys, tmp_path):
    weights = tiny_fcn.write_weights(tmp_path, "fcn32s", 21)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = ["--serve", "--dataset", "voc", "--port", port, "--weights", str(weights)]
        assert cli.main(arguments) == 1
    assert re.match(f"error: port {port} of 127.0.0.1 is in use", capsys.readouterr().err)
