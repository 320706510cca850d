"""The endpoints of notes."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask.views import MethodView
from sqlalchemy import func, select
from sqlalchemy.orm import defer

from ..api import Blueprint
from ..database import db
from ..security import current_user, roles_required, token_required
from . import schemas
from .models import Note

blueprint = Blueprint("notes", __name__, url_prefix="/notes", description="Your notes")

# The largest id, and the last page: larger numbers are an error in a database.
MAX_ID = 2**31 - 1


@blueprint.route("/")
class Notes(MethodView):
    """All notes of the caller."""

    decorators: ClassVar = [token_required]

    @blueprint.arguments(schemas.NoteFilter, location="query")
    @blueprint.response(200, schemas.NoteSummary(many=True), example=schemas.EXAMPLES)
    @blueprint.paginate()
    def get(self, filters: Any, pagination_parameters: Any) -> Sequence[Note]:
        """List your notes, newest first. `title` filters by a part of the title."""
        page = pagination_parameters
        notes = select(Note).filter_by(user_id=current_user.id).order_by(Note.id.desc())
        notes = notes.options(defer(Note.text))
        if title := filters.get("title"):
            notes = notes.where(Note.title.icontains(title, autoescape=True))
        number, size = min(page.page, MAX_ID), page.page_size
        found = db.paginate(notes, page=number, per_page=size, error_out=False)
        page.item_count = found.total
        return found.items

    @blueprint.etag
    @blueprint.arguments(schemas.NoteSchema, example=schemas.EXAMPLE_NEW_NOTE)
    @blueprint.response(201, schemas.NoteSchema, example=schemas.EXAMPLE_NOTE)
    def post(self, values: Mapping[str, str]) -> Note:
        """Create a note."""
        note = Note(user_id=current_user.id, **values)
        db.session.add(note)
        db.session.commit()
        return note


# One URL rule for every method: an id above the largest is 404, and never 405.
@blueprint.route(f"/<int(max={MAX_ID}):note_id>")
@blueprint.etag
class OneNote(MethodView):
    """One note of the caller. A change needs the ETag of the last response."""

    decorators: ClassVar = [token_required]

    @blueprint.response(200, schemas.NoteSchema, example=schemas.EXAMPLE_NOTE)
    def get(self, note_id: int) -> Note:
        """Read a note."""
        return get_own_note(note_id)

    @blueprint.arguments(schemas.NoteSchema, example=schemas.EXAMPLE_NEW_NOTE)
    @blueprint.response(200, schemas.NoteSchema, example=schemas.EXAMPLE_NOTE)
    def put(self, values: Mapping[str, str], note_id: int) -> Note:
        """Replace a note, if it has not changed since you read it."""
        note = get_note_if_match(note_id)
        for name, value in values.items():
            setattr(note, name, value)
        db.session.commit()
        return note

    @blueprint.response(204)
    def delete(self, note_id: int) -> None:
        """Delete a note, if it has not changed since you read it."""
        db.session.delete(get_note_if_match(note_id))
        db.session.commit()


@blueprint.get("/totals")
@token_required
@roles_required("admin")
@blueprint.alt_response(403, "403")
@blueprint.response(200, schemas.NoteTotals, example={"notes": 1})
def totals() -> dict[str, int | None]:
    """Count the notes of all users: for administrators."""
    return {"notes": db.session.scalar(select(func.count(Note.id)))}


def get_own_note(note_id: int) -> Note:
    """Return the caller's note. Another user's is 404, as if it did not exist."""
    query = select(Note).filter_by(id=note_id, user_id=current_user.id)
    note: Note = db.one_or_404(query)
    return note


def get_note_if_match(note_id: int) -> Note:
    """Return the caller's note, or raise 412 if it does not match If-Match."""
    note = get_own_note(note_id)
    blueprint.check_etag(note, schemas.NoteSchema)
    return note
