"""Notes in JSON."""

from marshmallow import RAISE, Schema, fields
from marshmallow.validate import Length, Regexp

# PostgreSQL cannot store NUL, and a service on SQLite may move to it one day.
NO_NUL = Regexp("^[^\\x00]*$", error="Must not contain the character NUL.")


class NoteSchema(Schema):
    """The fields of a note. Fields that are not listed are refused."""

    class Meta:
        """Unknown fields are refused, also in the OpenAPI document."""

        unknown = RAISE

    id = fields.Integer(dump_only=True)
    title = fields.String(required=True, validate=[Length(1, 200), NO_NUL])
    text = fields.String(load_default="", validate=[Length(max=10_000), NO_NUL])
    created_at = fields.AwareDateTime(dump_only=True)
    modified_at = fields.AwareDateTime(dump_only=True)


class NoteSummary(NoteSchema):
    """A note in a list, without its text: a page of long texts would be megabytes."""

    class Meta(NoteSchema.Meta):
        """All other fields are those of a note."""

        exclude = ("text",)


class NoteFilter(Schema):
    """The filter of the list."""

    title = fields.String(validate=[Length(1, 100), NO_NUL])


NoteTotals = Schema.from_dict({"notes": fields.Integer()}, name="NoteTotals")

# Examples in the OpenAPI document: tests/test_openapi.py sends them to the app.
EXAMPLE_NEW_NOTE = {"title": "Milk", "text": "Two bottles, before six."}
EXAMPLE_TIMES = dict.fromkeys(
    ["created_at", "modified_at"], "2026-01-31T12:00:00+00:00"
)
EXAMPLE_NOTE = {"id": 1, **EXAMPLE_NEW_NOTE, **EXAMPLE_TIMES}
EXAMPLES = [{"id": 1, "title": "Milk", **EXAMPLE_TIMES}]
