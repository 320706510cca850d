"""What users do with their notes."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask.views import MethodView
from sqlalchemy import func, select

from ..api import Blueprint
from ..database import db
from ..security import current_user, roles_required, token_required
from .models import Note
from .schemas import NEW, NOTE, NoteFilter, NoteSchema, NoteTotals

blueprint = Blueprint("notes", __name__, url_prefix="/notes", description="Your notes")

# The largest id, and the last page: with more, a database would give an error.
MOST = 2**31 - 1


@blueprint.route("/")
class Notes(MethodView):
    """All notes of who calls."""

    decorators: ClassVar = [token_required]

    @blueprint.arguments(NoteFilter, location="query")
    @blueprint.response(200, NoteSchema(many=True), example=[NOTE])
    @blueprint.paginate()
    def get(self, wanted: Any, pagination_parameters: Any) -> Sequence[Note]:
        """List your notes, the newest first; `title` is a part of the title."""
        page = pagination_parameters
        mine = select(Note).filter_by(user_id=current_user.id).order_by(Note.id.desc())
        if title := wanted.get("title"):
            mine = mine.where(Note.title.icontains(title, autoescape=True))
        number, size = min(page.page, MOST), page.page_size
        found = db.paginate(mine, page=number, per_page=size, error_out=False)
        page.item_count = found.total
        return found.items

    @blueprint.etag
    @blueprint.arguments(NoteSchema, example=NEW)
    @blueprint.response(201, NoteSchema, example=NOTE)
    def post(self, values: Mapping[str, str]) -> Note:
        """Write a note."""
        note = Note(user_id=current_user.id, **values)
        db.session.add(note)
        db.session.commit()
        return note


# One rule for every method: an id beyond the largest is 404, and never 405.
@blueprint.route(f"/<int(max={MOST}):note_id>")
@blueprint.etag
class OneNote(MethodView):
    """One note of who calls; to change it takes the ETag of the last answer."""

    decorators: ClassVar = [token_required]

    @blueprint.response(200, NoteSchema, example=NOTE)
    def get(self, note_id: int) -> Note:
        """Read a note."""
        return _own(note_id)

    @blueprint.arguments(NoteSchema, example=NEW)
    @blueprint.response(200, NoteSchema, example=NOTE)
    def put(self, values: Mapping[str, str], note_id: int) -> Note:
        """Replace a note that is as you have read it."""
        note = _unchanged(note_id)
        for name, value in values.items():
            setattr(note, name, value)
        db.session.commit()
        return note

    @blueprint.response(204)
    def delete(self, note_id: int) -> None:
        """Delete a note that is as you have read it."""
        db.session.delete(_unchanged(note_id))
        db.session.commit()


@blueprint.get("/totals")
@token_required
@roles_required("admin")
@blueprint.alt_response(403, "403")
@blueprint.response(200, NoteTotals, example={"notes": 1})
def totals() -> dict[str, int | None]:
    """Count the notes of all users: for administrators."""
    return {"notes": db.session.scalar(select(func.count(Note.id)))}


def _own(note_id: int) -> Note:
    # Another's note is not there: 404, as for an id that nobody has.
    mine = select(Note).filter_by(id=note_id, user_id=current_user.id)
    note: Note = db.one_or_404(mine)
    return note


def _unchanged(note_id: int) -> Note:
    note = _own(note_id)
    blueprint.check_etag(note, NoteSchema)
    return note
