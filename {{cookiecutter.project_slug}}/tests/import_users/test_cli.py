"""`flask auth import-users`: users log in with the passwords of another system."""

import pytest

from tests.conftest import EMAIL, OTHER_EMAIL, PASSWORD

BCRYPT = "$2b$04$5103V57wnp94ajeDQZnrgOcHg1cNzdnQ5yDlx6I3HQHMnjWccqfdu"
DJANGO = "pbkdf2_sha256$2$saltsalt$C7qQzwA9+JUl84hamHVKN5RPWh7mbgXoo5F4Cdza34I="
HEADER = "email,password_hash,first_name,last_name,active"


@pytest.fixture
def import_users(flask, tmp_path):
    """Return a function that imports users from lines of CSV."""

    def run(*lines, encoding="utf-8"):
        file = tmp_path / "users.csv"
        file.write_text("\n".join(lines) + "\n", encoding)
        result = flask("auth", "import-users", str(file))
        assert "2b$" not in result.output
        assert "saltsalt" not in result.output
        return result

    return run


@pytest.fixture
def refuse(import_users, sql):
    """Return a function that has lines refused, and returns the problems."""

    def run(*lines, **options):
        before = sql("SELECT count(*) FROM auth_user")
        result = import_users(*lines, **options)
        assert result.exit_code == 1
        assert sql("SELECT count(*) FROM auth_user") == before
        start, *problems = result.output.splitlines()
        assert start == "Error: Nobody was imported:"
        return [problem.strip() for problem in problems]

    return run


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_first_login_replaces_the_hash_by_ours(auth, encoding, import_users, sql):
    lines = ("email,password_hash", f"{OTHER_EMAIL},{BCRYPT}")
    assert import_users(*lines, encoding=encoding).output == "Imported 1 users.\n"
    ask = "SELECT password FROM auth_user WHERE email = :email"
    assert sql(ask, email=OTHER_EMAIL) == [(f"imported:{BCRYPT}",)]
    assert auth.login(OTHER_EMAIL, PASSWORD + "x").status_code == 401
    assert sql(ask, email=OTHER_EMAIL) == [(f"imported:{BCRYPT}",)]
    assert auth.login(OTHER_EMAIL, PASSWORD).status_code == 200
    ((stored,),) = sql(ask, email=OTHER_EMAIL)
    assert not stored.startswith("imported:")
    assert auth.login(OTHER_EMAIL, PASSWORD).status_code == 200


def test_login_waits_in_the_queue_of_hashes(app, auth, import_users, monkeypatch):
    import_users("email,password_hash", f"{OTHER_EMAIL},{BCRYPT}")
    queue, ran = app.extensions["hash_queue"], []
    run = queue.run
    monkeypatch.setattr(
        queue, "run", lambda work, *a: ran.append(work) or run(work, *a)
    )
    auth.login(OTHER_EMAIL, "wrong")
    assert [work.__name__ for work in ran] == ["verify"]


def test_every_column_is_imported(import_users, sql):
    result = import_users(
        HEADER,
        f'Grace@EXAMPLE.com,{DJANGO},Grace,"Hopper, Dr.",TRUE',
        f"alan@straße.de,{BCRYPT},,,false",
    )
    assert result.output == "Imported 2 users.\n"
    assert sql(
        "SELECT email, first_name, last_name, active FROM auth_user "
        "WHERE email <> :email ORDER BY email",
        email=EMAIL,
    ) == [
        ("alan@xn--strae-oqa.de", None, None, 0),
        ("grace@example.com", "Grace", "Hopper, Dr.", 1),
    ]


def test_user_who_is_not_active_cannot_log_in(auth, import_users):
    import_users("email,password_hash,active", f"{OTHER_EMAIL},{BCRYPT},0")
    assert auth.login(OTHER_EMAIL, PASSWORD).status_code == 401


def test_existing_user_is_reported_and_left_as_it_is(auth, import_users, sql):
    before = sql("SELECT * FROM auth_user")
    lines = ("email,password_hash", f"{EMAIL.upper()},{BCRYPT}", f"new@a.org,{BCRYPT}")
    assert import_users(*lines).output == (
        f"{EMAIL} already exists. Nothing was changed.\nImported 1 users.\n"
    )
    assert before[0] in sql("SELECT * FROM auth_user")


def test_many_users_are_imported(import_users, sql):
    lines = [f"user{n}@example.com,{BCRYPT}" for n in range(1001)]
    assert import_users("email,password_hash", *lines).output == (
        "Imported 1001 users.\n"
    )
    assert sql("SELECT count(*) FROM auth_user") == [(1002,)]


GOOD = f"good@example.com,{BCRYPT},,,"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a@b.org,unknown,,,", "the kind of its password hash is unknown"),
        ("a@b.org,,,,", "the kind of its password hash is unknown"),
        ("a@b.org", "the kind of its password hash is unknown"),
        (f"nobody,{BCRYPT},,,", "it has no e-mail address that can be used"),
        (
            f"Good@Example.com,{DJANGO},,,",
            "an earlier line has the same e-mail address",
        ),
        (f"a@b.org,{BCRYPT},,,maybe", "active is neither true nor false"),
        (
            f"a@b.org,{BCRYPT},{'x' * 81},,",
            "first_name has more than 80 characters, or a NUL",
        ),
        (
            f"a@b.org,{BCRYPT},,x\0,",
            "last_name has more than 80 characters, or a NUL",
        ),
        (f"a@b.org,{BCRYPT},,,,more", "it has more fields than the first line"),
        (
            f"a@b.org,{BCRYPT.replace('$04$', '$16$')},,,",
            "its password hash costs too much (rounds at most 15)",
        ),
        ('a@b.org,"x"y,,,', "Error"),
    ],
)
def test_wrong_line_is_told_by_its_number_and_nobody_is_imported(refuse, line, problem):
    assert refuse(HEADER, GOOD, line) == [f"line 3: {problem}"]


def test_every_wrong_line_is_told(refuse):
    assert [p[:7] for p in refuse(HEADER, "a,b,,,", GOOD, "c@d.org,e,,,")] == [
        "line 2:",
        "line 2:",
        "line 4:",
    ]


@pytest.mark.parametrize(
    "header",
    ["", "email", "password_hash", f"email,{BCRYPT}", f"{HEADER},password"],
)
def test_other_columns_are_refused(refuse, header):
    assert refuse(header, GOOD) == [
        "line 1: the columns are not those of: email, password_hash, active, "
        "first_name, last_name"
    ]


def test_file_in_another_encoding_is_refused(refuse):
    lines = (HEADER, f"a@b.org,{BCRYPT},Zoë,,")
    assert refuse(*lines, encoding="latin-1") == ["line 1: UnicodeDecodeError"]


def test_user_who_registers_meanwhile_ends_the_import(
    import_users, monkeypatch, package, sql
):
    monkeypatch.setattr(package.import_users.cli, "find_existing", lambda emails: set())
    result = import_users("email,password_hash", GOOD[:-3], f"{EMAIL},{BCRYPT}")
    assert (result.exit_code, result.output) == (
        1,
        "Error: Nobody was imported: the users were changed meanwhile. Try again.\n",
    )
    assert sql("SELECT count(*) FROM auth_user") == [(1,)]
