"""Notes: what their owner can do, and that nobody else can."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from tests.conftest import EMAIL

MILK = {"title": "Milk", "text": "Two bottles."}


@dataclass
class Notes:
    """What a user does with notes."""

    client: FlaskClient
    token: str

    def send(self, method, path="", etag=None, **options):
        headers = {"Authorization": f"Bearer {self.token}", "If-Match": etag}
        sent = {name: value for name, value in headers.items() if value}
        path = f"/notes/{path}"
        return self.client.open(path, method=method, headers=sent, **options)

    def create(self, **values):
        return self.send("POST", json=values or MILK)

    def read(self, id):
        return self.send("GET", id)

    def titles(self, **query):
        return [note["title"] for note in self.send("GET", query_string=query).json]


@pytest.fixture
def notes(auth):
    return Notes(auth.client, auth.token())


@pytest.fixture
def others(auth, grace):
    """Return the notes of another user."""
    return Notes(auth.client, auth.token(grace))


@pytest.mark.parametrize("field", ["title", "text"])
def test_nul_is_refused_whatever_the_database_can_store(notes, field):
    response = notes.create(**{**MILK, field: "a\0b"})
    assert (response.status_code, [*response.json["errors"]]) == (422, [field])
    assert notes.send("GET", query_string={"title": "\0"}).status_code == 422


def test_note_is_read_as_it_was_written(notes):
    created = notes.create(title="Zoë 🎉", text="<b>\\ ' \" %s {{ 7*7 }}\n\n")
    assert created.status_code == 201
    assert created.json["text"] == "<b>\\ ' \" %s {{ 7*7 }}\n\n"
    read = notes.read(created.json["id"])
    assert (read.json, read.headers["ETag"]) == (created.json, created.headers["ETag"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": ["Milk"]}, "title"),
        ({"title": "a" * 201}, "title"),
        ({"title": "Milk", "text": "a" * 10_001}, "text"),
        ({"title": "Milk", "text": None}, "text"),
        ({"title": "Milk", "id": 1}, "id"),
        ({"title": "Milk", "user_id": 1}, "user_id"),
        ([MILK], "_schema"),
    ],
)
def test_invalid_field_is_named(notes, body, field):
    response = notes.send("POST", json=body)
    assert (response.status_code, response.mimetype) == (
        422,
        "application/problem+json",
    )
    assert response.json["errors"].keys() == {field}
    assert notes.titles() == []


def test_text_that_no_database_can_store_is_refused(notes):
    response = notes.create(title="half of a surrogate pair: \ud800")
    assert (response.status_code, response.mimetype) == (
        422,
        "application/problem+json",
    )
    assert notes.titles() == []


def test_newest_come_first_a_page_at_a_time(notes):
    for number in range(5):
        notes.create(title=f"Note {number}")
    response = notes.send("GET", query_string={"page": 2, "page_size": 2})
    assert [note["title"] for note in response.json] == ["Note 2", "Note 1"]
    pages = json.loads(response.headers["X-Pagination"])
    assert (pages["total"], pages["page"], pages["last_page"]) == (5, 2, 3)


def test_list_has_no_texts_and_does_not_load_them(notes, queries):
    note = notes.create(title="Milk", text="a" * 10_000).json
    queries.clear()
    response = notes.send("GET")
    del note["text"]
    assert response.json == [note]
    (listed,) = [query for query in queries if query.startswith("SELECT note.")]
    assert "note.text" not in listed


def test_answer_to_many_unknown_fields_is_short(notes):
    response = notes.create(**{f"field {n}": 1 for n in range(5000)})
    assert (response.status_code, len(response.json["errors"])) == (422, 20)


@pytest.mark.parametrize("page", [2, 10**30])
def test_page_beyond_the_last_is_empty(notes, page):
    notes.create()
    assert notes.titles(page=page) == []


@pytest.mark.parametrize("query", [{"page": 0}, {"page": "a"}, {"page_size": 101}])
def test_invalid_page_is_refused(notes, query):
    response = notes.send("GET", query_string=query)
    assert (response.status_code, response.json["errors"].keys()) == (422, query.keys())


@pytest.mark.parametrize(
    ("title", "found"),
    [("mil", ["Milk"]), ("%", ["50 % off"]), ("_", []), ("'", []), ("water", [])],
)
def test_list_is_filtered_by_a_part_of_the_title(notes, title, found):
    notes.create(title="Milk")
    notes.create(title="50 % off")
    assert notes.titles(title=title) == found


def test_note_is_replaced_by_who_has_seen_it_last(notes):
    created = notes.create()
    path, etag = created.json["id"], created.headers["ETag"]
    replaced = notes.send("PUT", path, etag, json={"title": "Tea"})
    assert (replaced.json["title"], replaced.json["text"]) == ("Tea", "")
    assert replaced.json["modified_at"] > created.json["modified_at"]
    assert notes.send("PUT", path, etag, json=MILK).status_code == 412
    assert notes.send("DELETE", path, etag).status_code == 412
    assert notes.send("PUT", path, replaced.headers["ETag"], json=MILK).json["text"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_change_without_an_etag_is_refused(notes, method):
    note = notes.create().json
    assert notes.send(method, note["id"], json=MILK).status_code == 428
    assert notes.read(note["id"]).json == note


def test_of_two_changes_at_once_one_is_refused(notes, package, monkeypatch):
    note = notes.create().json
    blueprint = package.notes.views.blueprint

    def replace(title):
        return notes.send("PUT", note["id"], "*", json={"title": title}).status_code

    def overtake(*args):
        monkeypatch.undo()
        blueprint.check_etag(*args)
        with ThreadPoolExecutor(1) as another:
            assert another.submit(replace, "Tea").result() == 200

    monkeypatch.setattr(blueprint, "check_etag", overtake)
    assert replace("Coffee") == 412
    assert notes.read(note["id"]).json["title"] == "Tea"


def test_deleted_note_is_gone(notes):
    created = notes.create()
    path, etag = created.json["id"], created.headers["ETag"]
    assert notes.send("DELETE", path, etag).status_code == 204
    assert notes.read(path).status_code == 404
    assert notes.titles() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "{id}", 404),
        ("HEAD", "{id}", 404),
        ("PUT", "{id}", 404),
        ("DELETE", "{id}", 404),
        ("PATCH", "{id}", 405),
        ("POST", "{id}", 405),
        ("GET", "", 200),
        ("GET", "?title=Milk", 200),
        ("GET", "?user_id={user}", 200),
        ("GET", "?id={id}&page=1&page_size=100", 200),
        ("GET", "?title=%25' OR 1=1 --", 200),
        ("PUT", "", 405),
        ("DELETE", "", 405),
        ("DELETE", "?user_id={user}", 405),
        ("GET", "totals", 403),
        ("GET", "-1", 404),
        ("GET", "{id}.0", 404),
        ("GET", "{id}/../{id}", 404),
    ],
)
def test_note_of_another_user_is_not_there(notes, others, method, path, status):
    secret = notes.create(title="Milk, the secret").json
    others.create(title="Tea")
    path = path.format(id=secret["id"], user=1)
    response = others.send(method, path, "*", json={"title": "Mine"})
    assert response.status_code == status
    assert "secret" not in response.text
    assert '"total": 2' not in response.headers.get("X-Pagination", "")
    assert notes.read(secret["id"]).json == secret
    assert (notes.titles(), others.titles()) == ([secret["title"]], ["Tea"])


def test_note_cannot_be_given_to_another_user(notes, others):
    created = notes.create()
    for field in ("id", "user_id", "user", "version"):
        response = others.send("POST", json={**MILK, field: created.json["id"]})
        assert response.status_code == 422
    assert others.titles() == []


def test_administrators_count_the_notes_of_all(notes, others, flask):
    notes.create()
    others.create()
    assert notes.read("totals").status_code == 403
    flask("roles", "create", "admin")
    flask("roles", "add", EMAIL, "admin")
    assert notes.read("totals").json == {"notes": 2}


def test_notes_go_with_their_user(flask, notes, others, sql):
    notes.create()
    others.create(title="Tea")
    flask("auth", "delete-user", EMAIL, "--yes")
    assert others.titles() == ["Tea"]
    assert sql("SELECT count(*) FROM note") == [(1,)]


def test_export_of_a_user_has_their_notes(flask, notes, others):
    notes.create()
    others.create(title="Tea")
    exported = json.loads(flask("auth", "export-user", EMAIL).output)
    (note,) = exported["notes"]
    assert MILK.items() <= note.items()
