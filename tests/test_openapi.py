"""The document that a generated project serves: valid, and kept by the live server."""

import json
import os
import sys
from pathlib import Path

import pytest
from conftest import run
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

# Whose address and password the examples have.
ADA = ["--email", "ada@example.com", "--password", "correct horse battery"]

# Every part of the API is on, and nothing counts how often it is asked.
ALL = {
    "FLASK_ACCOUNTS": '["register", "reset", "change", "change-email"]',
    "FLASK_MAIL_BACKEND": "console",
    "FLASK_RATELIMIT_ENABLED": "false",
}

# A request that is as the document has it may still come too late (412), or bring a
# token or a password that is not right (422); and one without If-Match is 428
# (RFC 6585), which the tool does not expect by itself.
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


@pytest.mark.parametrize("basic", ["true", "false"])
def test_document_is_valid(bake, environment, basic):
    project = bake()
    run([environment / "bin/python", "-m", "token_auth_api.first_run"], project)
    flask = [environment / "bin/flask", "openapi", "print"]
    printed = run(flask, project, env={**os.environ, "FLASK_HTTP_BASIC_AUTH": basic}).stdout
    document = json.loads(printed)
    assert document["openapi"] == "3.1.0"
    validate(document, cls=OpenAPIV31SpecValidator)


@pytest.mark.full
def test_live_server_keeps_to_its_document(bake, installed, serve, tmp_path):
    project = installed(bake())
    base = serve(project, **ALL)
    run([".venv/bin/flask", "auth", "seed", *ADA], project)
    run([".venv/bin/flask", "roles", "create", "admin"], project)
    run([".venv/bin/flask", "roles", "add", "ada@example.com", "admin"], project)
    config = tmp_path / "schemathesis.toml"
    config.write_text(EXPECTED)
    command = [SCHEMATHESIS, "--config-file", config, "run", f"{base}/openapi.json"]
    command += ["--checks", "all", "--seed", "1", "--continue-on-failure"]

    # A logout ends the session that the others need.
    for chosen in (["--exclude-path", "/logout", "-n", "100"], ["--include-path", "/logout"]):
        token = run([".venv/bin/flask", "auth", "token", "ada@example.com"], project).stdout.strip()
        ways = ["-H", f"Authorization: Bearer {token}", "-H", f"Authentication-Token: {token}"]
        done = run([*command, *chosen, *ways], tmp_path)
        assert "FAILURES" not in done.stdout
        assert "ERRORS" not in done.stdout
