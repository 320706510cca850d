"""The API's document, OpenAPI 3.1, and what a resource is made with.

Views with a contract describe themselves; openapi.json has the rest.
"""

import json
from itertools import chain
from typing import Any, NoReturn

import flask_smorest
from apispec import BasePlugin
from flask import Flask, Request, abort
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from .errors import http_problem, problem
from .security.accounts import PARTS


def init_app(app: Flask) -> None:
    """Describe the API, at /openapi.json where API_DOCS is on."""
    app.config.from_file("openapi.json", json.load)
    document = app.config["API_SPEC_OPTIONS"]
    for path in chain(*(PARTS[part] for part in PARTS.keys() - app.config["ACCOUNTS"])):
        del document["paths"][path]
    if not app.config["HTTP_BASIC_AUTH"]:
        document["security"].remove({"basic": []})
        del document["components"]["securitySchemes"]["basic"]
    app.config["OPENAPI_URL_PREFIX"] = "/" if app.config["API_DOCS"] else None
    app.extensions["api"] = Api(app, spec_kwargs={"extra_plugins": [Problems()]})


class Api(flask_smorest.Api):
    """The document, and the errors that it speaks of."""

    DEFAULT_ERROR_RESPONSE_NAME = None
    handle_http_exception = staticmethod(http_problem)

    def _in_the_file(self) -> None:
        """These are in openapi.json."""

    _register_responses = _register_pagination_header = _in_the_file


class Problems(BasePlugin):
    """Adds the errors that follow from what an operation is."""

    def operation_helper(
        self, path: Any = None, operations: Any = None, **options: Any
    ) -> None:
        """Refer to those of openapi.json, by status."""
        for operation in operations.values():
            answers = operation["responses"]
            failures = {401, 429, 503} | {status for status in answers if status >= 400}
            failures |= {404} if "{" in path else set()
            failures |= {400, 413, 415} if "requestBody" in operation else set()
            answers.update((status, str(status)) for status in failures)
            if 422 in failures and "requestBody" not in operation:
                answers[422] = "422-query"


class Parser(FlaskParser):
    """Reads what a request says, and refuses as the rest of the API does."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        """Return the body, or raise the error of any body: 400, 413, 415."""
        return req.get_json()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Answer 422, with the messages for each field."""
        (errors,) = error.messages_dict.values()
        abort(problem(422, "The fields are not as they should be.", errors))


class Blueprint(flask_smorest.Blueprint):
    """Checks what goes in and out of its views, and describes them."""

    ARGUMENTS_PARSER = PAGINATION_ARGUMENTS_PARSER = Parser()
    # Nothing is stored (headers.py), so nobody asks whether it has changed.
    METHODS_CHECKING_NOT_MODIFIED = ()
