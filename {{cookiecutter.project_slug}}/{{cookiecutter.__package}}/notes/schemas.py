"""What a note is in JSON."""

from marshmallow import RAISE, Schema, fields
from marshmallow.validate import Length, Regexp

# PostgreSQL cannot keep it, and a service on SQLite may move there one day.
NO_NUL = Regexp("^[^\\x00]*$", error="Must not contain the character NUL.")


class NoteSchema(Schema):
    """What is written, and what is only read. Other fields are refused."""

    class Meta:
        """Said here, it is in the document."""

        unknown = RAISE

    id = fields.Integer(dump_only=True)
    title = fields.String(required=True, validate=[Length(1, 200), NO_NUL])
    text = fields.String(load_default="", validate=[Length(max=10_000), NO_NUL])
    created_at = fields.AwareDateTime(dump_only=True)
    modified_at = fields.AwareDateTime(dump_only=True)


class NoteFilter(Schema):
    """Which notes to list."""

    title = fields.String(validate=[Length(1, 100), NO_NUL])


NoteTotals = Schema.from_dict({"notes": fields.Integer()}, name="NoteTotals")

# In the document; a test sends and compares them.
NEW = {"title": "Milk", "text": "Two bottles, before six."}
THEN = "2026-01-31T12:00:00+00:00"
NOTE = {"id": 1, **NEW, "created_at": THEN, "modified_at": THEN}
