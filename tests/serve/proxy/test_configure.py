"""What HAProxy is told beside what Ray Serve tells it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from ray.serve._private.haproxy_templates import HAPROXY_CONFIG_TEMPLATE

from selfj.serve.errors import error_body
from selfj.serve.proxy import configure
from selfj.serve.proxy.configure import ERRORS, configured, error_file, rewrite

SCRIPT = Path(configure.__file__).with_name("haproxy")
SETTINGS = """global
    maxconn 100
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
    errorfile 502 /somewhere/500.http
    errorfile 503 /somewhere/500.http
    errorfile 504 /somewhere/500.http
    balance leastconn
frontend http_frontend
    bind 127.0.0.1:{port}
    default_backend {backend}
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path '%[path]' not found. Ping http://.../-/routes"
backend http-selfj
    # Enable HTTP connection reuse for better performance
    http-reuse always
    server one 127.0.0.1:{target}
"""
"""What Ray Serve 2.60 writes, cut down to the lines that matter here."""


def written(folder: Path, port: int = 1, target: int = 1, backend: str = "http-selfj") -> Path:
    file = folder / "haproxy.cfg"
    file.write_text(SETTINGS.format(port=port, target=target, backend=backend))
    return file


def test_ray_serve_writes_the_lines_that_are_changed() -> None:
    for line in (
        "\ndefaults\n",
        "\n    http-reuse always\n",
        "errorfile 503 ",
        "    http-request return status 404 content-type",
    ):
        assert line in HAPROXY_CONFIG_TEMPLATE


def test_every_error_of_haproxys_is_our_error_object(tmp_path: Path) -> None:
    file = written(tmp_path)
    rewrite(file, None)
    assert "/somewhere" not in file.read_text() and "return status 404" not in file.read_text()
    for status, (said, reason, message, kind) in ERRORS.items():
        assert f"errorfile {status} {tmp_path / f'selfj-{status}.http'}" in file.read_text()
        head, _, body = (tmp_path / f"selfj-{status}.http").read_text().partition("\n\n")
        assert head.startswith(f"HTTP/1.1 {said} {reason}\n") and f"Content-Length: {len(body)}" in head
        assert configure.json.loads(body) == error_body(said, message, kind)
        assert "Retry-After: 1" in head


def test_what_is_changed_already_stays_as_it_is(tmp_path: Path) -> None:
    file = written(tmp_path)
    rewrite(file, 512)
    once = file.read_text()
    rewrite(file, 512)
    assert file.read_text() == once and once.count("be_conn gt 512") == 1


def test_without_a_bound_all_is_passed_on() -> None:
    assert "be_conn" not in configured(SETTINGS, {}, None)


def test_an_error_is_a_whole_response_of_lines_that_end_as_http_has_them() -> None:
    assert error_file(*ERRORS[502]).split(b"\r\n\r\n")[0].count(b"\r\n") == 5


@pytest.mark.parametrize("arguments", [["-db", "-f", "{file}", "-sf", "1"], ["-v"]])
def test_the_script_becomes_haproxy_with_the_same_arguments(tmp_path: Path, arguments: list[str]) -> None:
    given = [argument.format(file=written(tmp_path)) for argument in arguments]
    environment = {
        configure.BINARY: "/bin/echo",
        configure.MOST: "7",
        configure.PYTHON: sys.executable,
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run([SCRIPT, *given], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == given
    assert ("be_conn gt 7" in (tmp_path / "haproxy.cfg").read_text()) == ("-f" in arguments)


def test_the_script_may_be_run() -> None:
    assert SCRIPT.stat().st_mode & stat.S_IXUSR
