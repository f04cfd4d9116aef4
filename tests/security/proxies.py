"""nginx and Caddy in front of a desk, configured as docs/behind-a-proxy.md says."""

import contextlib
import datetime as dt
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.security.conftest import HOST, free_port
from tests.security.probes import Target
from tests.waiting import HANG_SECONDS, until

DOCUMENT = Path(__file__).parents[2] / "docs" / "behind-a-proxy.md"
NAMES = ("nginx", "caddy")
FENCES = {"nginx": "nginx", "caddy": "caddyfile"}
HEAD_SECONDS = "2s"  # in place of the document's 10s, so that tests are quick
NGINX = """
daemon off;
worker_processes 2;
error_log stderr;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log {folder}/others.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{config}
}}
"""
CADDY = """{{
	admin off
	default_bind 127.0.0.1
	http_port {http}
	https_port {https}"""


class Proxy(NamedTuple):
    """A running proxy: where it is asked by https and http, and the folder of its configuration, logs and files."""

    https: Target
    http: Target
    folder: Path

    def logged(self) -> str:
        """Return all that the proxy has written."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


def documented(name: str) -> str:
    """Return the configuration in the document."""
    [found] = re.findall(rf"^```{FENCES[name]}\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


@contextlib.contextmanager
def running(name: str, folder: Path, desk_port: int) -> Iterator[Proxy]:
    """Run a proxy in front of the desk at this port."""
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        assert os.environ.get("CI") != "true", f"{name} is not installed here"
        pytest.skip(f"{name} is not installed here")
    tls, ports = certificate(folder), (free_port(), free_port())
    config = {"nginx": nginx, "caddy": caddy}[name](folder, desk_port, *ports)
    arguments = {
        "nginx": ["-p", str(folder), "-c", config],
        "caddy": ["run", "--adapter", "caddyfile", "--config", config],
    }
    with (folder / "stderr.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *arguments[name]],
            stdout=log,
            stderr=log,
            env={**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )
    urls = [f"{scheme}://127.0.0.1:{port}" for scheme, port in zip(("http", "https"), ports, strict=True)]
    proxy = Proxy(Target(urls[1], HOST, tls), Target(urls[0], HOST), folder)
    try:
        for port in ports:
            until(partial(listens, process, proxy, port), f"{name} listens")
        yield proxy
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


def listens(process: subprocess.Popen[bytes], proxy: Proxy, port: int) -> bool:
    assert process.poll() is None, proxy.logged()
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def filled(text: str, values: dict[str, str]) -> str:
    """Replace what a reader of the document replaces. All of it must be there."""
    for old, new in values.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, desk_port: int, http: int, https: int) -> str:
    config = filled(
        documented("nginx"),
        {
            "127.0.0.1:8000": f"127.0.0.1:{desk_port}",
            "listen 80": f"listen 127.0.0.1:{http}",
            "listen 443": f"listen 127.0.0.1:{https}",
            "/etc/ssl/panel.example/fullchain.pem": str(folder / "certificate.pem"),
            "/etc/ssl/panel.example/key.pem": str(folder / "key.pem"),
            "/var/log/nginx": str(folder),
            "client_header_timeout 10s": f"client_header_timeout {HEAD_SECONDS}",
        },
    )
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, config=config, user=user))
    return str(file)


def caddy(folder: Path, desk_port: int, http: int, https: int) -> str:
    config = filled(
        documented("caddy"),
        {
            "127.0.0.1:8000": f"127.0.0.1:{desk_port}",
            "https://panel.example {": f"https://panel.example {{\n\ttls {folder}/certificate.pem {folder}/key.pem",
            "/var/log/caddy": str(folder),
            "read_header 10s": f"read_header {HEAD_SECONDS}",
        },
    )
    file = folder / "Caddyfile"
    assert config.startswith("{\n")
    file.write_text(CADDY.format(http=http, https=https) + config[1:])
    return str(file)


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate of `HOST` in a folder; return what clients need to trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return ssl.create_default_context(cafile=folder / "certificate.pem")
