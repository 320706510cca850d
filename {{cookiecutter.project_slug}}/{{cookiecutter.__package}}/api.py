"""The OpenAPI document (OpenAPI 3.1), and what resources are made with.

Views with a contract describe themselves; the openapi.json of each folder has the rest.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

import flask_smorest
from apispec import BasePlugin
from apispec.utils import deepupdate
from flask import Flask, Request, abort
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from .errors import http_problem, invalid_fields


def init_app(app: Flask) -> None:
    """Describe the API, at /openapi.json where API_DOCS is on."""
    app.config.from_file("openapi.json", json.load)
    app.config["OPENAPI_URL_PREFIX"] = "/" if app.config["API_DOCS"] else None
    tags = app.config["API_SPEC_OPTIONS"].pop("tags")
    options = {"extra_plugins": [ErrorResponses()]}
    app.extensions["api"] = Api(app, spec_kwargs=options)
    _add_tags(app, tags)


def describe(app: Flask, file: Path, paths: Collection[str] | None = None) -> None:
    """Add an openapi.json to the OpenAPI document; of its paths those that are served.

    {"$seconds": "NAME"} in it becomes the value of a setting, in seconds.
    """

    def set_seconds(item: dict[str, Any]) -> Any:
        name = item.get("$seconds")
        return int(app.config[name].total_seconds()) if name else item

    document = json.loads(file.read_text("utf-8"), object_hook=set_seconds)
    if paths is not None:
        every = document["paths"].items()
        document["paths"] = {path: item for path, item in every if path in paths}
    _add_tags(app, document.pop("tags", []))
    spec = app.extensions["api"].spec
    spec.options = deepupdate(spec.options, document)


def _add_tags(app: Flask, tags: list[dict[str, str]]) -> None:
    # Not among the options, which would replace the tags of the blueprints.
    for tag in tags:
        app.extensions["api"].spec.tag(tag)


class Api(flask_smorest.Api):
    """The OpenAPI document, with the errors of this API."""

    DEFAULT_ERROR_RESPONSE_NAME = None
    handle_http_exception = staticmethod(http_problem)

    def _skip(self) -> None:
        """Register nothing: these are in openapi.json."""

    _register_responses = _register_pagination_header = _skip


class ErrorResponses(BasePlugin):
    """Adds the error responses that follow from what an operation is."""

    def operation_helper(
        self, path: Any = None, operations: Any = None, **options: Any
    ) -> None:
        """Refer to those of openapi.json, by status."""
        for operation in operations.values():
            responses = operation["responses"]
            errors = {401, 429, 503} | {status for status in responses if status >= 400}
            errors |= {404} if "{" in path else set()
            errors |= {400, 413, 415} if "requestBody" in operation else set()
            responses.update((status, str(status)) for status in errors)
            if 422 in errors and "requestBody" not in operation:
                responses[422] = "422-query"


class Parser(FlaskParser):
    """Reads the parameters of a request, and refuses as the rest of the API does."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        """Return the body, or raise the error of any body: 400, 413, 415."""
        return req.get_json()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Answer 422, with the messages for each field."""
        (errors,) = error.messages_dict.values()
        abort(invalid_fields(errors))


class Blueprint(flask_smorest.Blueprint):
    """Validates the requests and responses of its views, and describes them."""

    ARGUMENTS_PARSER = PAGINATION_ARGUMENTS_PARSER = Parser()
    # No response is cached (headers.py), so no client asks whether it was modified.
    METHODS_CHECKING_NOT_MODIFIED = ()
