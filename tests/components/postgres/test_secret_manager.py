import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import google.auth
import pytest
import requests
from google.auth import exceptions

from components.errors import AddressInvalid, DatabaseUnreachable
from components.postgres import address
from components.postgres.secret_manager import access_secret, read_secret

NAME = "projects/p/secrets/database/versions/latest"
URL = "postgresql://ann:tiger-7@db.example/goinsight"


@contextmanager
def secret_manager(status, body):
    """A server that answers as the API does, and keeps the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 - http.server calls it so
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Stays quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_newest_version_is_asked_for_and_decoded():
    data = base64.b64encode(f"{URL}\n".encode()).decode()
    with secret_manager(200, json.dumps({"payload": {"data": data}}).encode()) as (endpoint, asked):
        assert access_secret(requests.Session(), endpoint, NAME) == URL
    assert asked == [f"/v1/{NAME}:access"]


def test_a_refusal_names_the_secret_and_the_role_it_takes():
    with (
        secret_manager(403, b"no") as (endpoint, _),
        pytest.raises(DatabaseUnreachable, match=r"HTTP 403 .*secretAccessor") as refused,
    ):
        access_secret(requests.Session(), endpoint, NAME)
    assert NAME in str(refused.value)


def test_no_answer_is_said_too():
    with pytest.raises(DatabaseUnreachable, match="cannot be read"):
        access_secret(requests.Session(), "http://127.0.0.1:1", NAME)


def test_without_credentials_it_says_so(monkeypatch):
    def nobody(scopes):
        raise exceptions.DefaultCredentialsError("Nobody is logged in")

    monkeypatch.setattr(google.auth, "default", nobody)
    with pytest.raises(DatabaseUnreachable, match="Nobody is logged in"):
        read_secret("projects/p/secrets/other/versions/1")


def test_the_address_comes_from_the_secret_where_no_variable_holds_it(monkeypatch):
    monkeypatch.setattr(address, "read_secret", {NAME: URL}.get)
    found = address.read_address({"DATABASE_URL_SECRET": NAME})
    assert found.name == "ann@db.example:(default port)/goinsight"
    assert found.source == "DATABASE_URL_SECRET"
    assert found.scrubbed("tiger-7 was wrong") == "*** was wrong"
    own = {"DATABASE_URL": "postgresql://me@here/db", "DATABASE_URL_SECRET": NAME}
    assert address.read_address(own).source == "DATABASE_URL"
    assert address.is_named({"METADATA_DATABASE_URL_SECRET": NAME}, "METADATA_DATABASE_URL")


def test_a_secret_that_holds_something_else_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setattr(address, "read_secret", {NAME: "hunter2"}.get)
    with pytest.raises(AddressInvalid, match="DATABASE_URL_SECRET is not a URL") as refused:
        address.read_address({"DATABASE_URL_SECRET": NAME})
    assert "hunter2" not in str(refused.value)
