"""The OpenAPI document of a generated project is valid, and true of the live server."""

import json
import os
import sys
from pathlib import Path

import pytest
from conftest import run
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

# The user of the examples in the OpenAPI document.
ADA = ["--email", "ada@example.com", "--password", "correct horse battery"]

# Every account flow is on, and no rate limit.
SETTINGS = {
    "FLASK_ACCOUNT_FLOWS": '["register", "reset", "change", "change-email"]',
    "FLASK_MAIL_BACKEND": "console",
    "FLASK_RATELIMIT_ENABLED": "false",
}

# A request that follows the OpenAPI document may still come too late (412), or have a
# wrong token or password (422). A request without If-Match is 428 (RFC 6585), which the
# tool does not expect by itself.
EXPECTED = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 412]

[checks.missing_required_header]
expected-statuses = [401, 428]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 412, 413, 415, 422, 428]

[[operations]]
include-tag = "accounts"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 422]
"""


@pytest.mark.parametrize(
    ("features", "settings"),
    [
        ("full", {}),
        ("full", {**SETTINGS, "FLASK_HTTP_BASIC_AUTH": "true"}),
        ("core", {}),
    ],
    ids=["full", "full, everything on", "core"],
)
def test_openapi_document_is_valid(bake, environment, features, settings):
    project = bake(features=features)
    run([environment / "bin/python", "first_run.py"], project)
    flask = [environment / "bin/flask", "openapi", "print"]
    document = json.loads(run(flask, project, env={**os.environ, **settings}).stdout)
    assert document["openapi"] == "3.1.0"
    assert ("/register" in document["paths"]) == ("FLASK_ACCOUNT_FLOWS" in settings)
    validate(document, cls=OpenAPIV31SpecValidator)


@pytest.mark.full
def test_live_server_follows_its_openapi_document(bake, installed, serve, tmp_path):
    project = installed(bake())
    base = serve(project, **SETTINGS)
    run([".venv/bin/flask", "auth", "seed", *ADA], project)
    run([".venv/bin/flask", "roles", "create", "admin"], project)
    run([".venv/bin/flask", "roles", "add", "ada@example.com", "admin"], project)
    config = tmp_path / "schemathesis.toml"
    config.write_text(EXPECTED)
    command = [SCHEMATHESIS, "--config-file", config, "run", f"{base}/openapi.json"]
    command += ["--checks", "all", "--seed", "1", "--continue-on-failure"]

    # A logout ends the session that the other requests need.
    for paths in (["--exclude-path", "/logout", "-n", "100"], ["--include-path", "/logout"]):
        token = run([".venv/bin/flask", "auth", "token", "ada@example.com"], project).stdout.strip()
        headers = ["-H", f"Authorization: Bearer {token}", "-H", f"Authentication-Token: {token}"]
        done = run([*command, *paths, *headers], tmp_path)

        assert "FAILURES" not in done.stdout
        assert "ERRORS" not in done.stdout
