"""Refuse answers that would break the project, all at once."""

import contextlib
import json
import keyword
import os
import re
import sys
import unicodedata

# Top-level modules that the generated project imports or contains.
RESERVED_MODULES = frozenset(
    """
    _argon2_cffi_bindings _cffi_backend _pytest _yaml aiosmtplib alembic apispec argon2
    ast_serialize attr attrs bcrypt blinker cffi click colorama coverage cryptography
    deprecated deptry dns dotenv email_validator flask flask_cors flask_limiter flask_login
    flask_mail flask_mailman flask_migrate flask_principal flask_security flask_smorest
    flask_sqlalchemy flask_swagger_ui flask_talisman flask_wtf granian greenlet gunicorn
    idna iniconfig itsdangerous jinja2 libpass librt limits mako markupsafe marshmallow
    mypy mypy_extensions mypyc nh3 openapi_spec_validator ordered_set packaging passlib
    pathspec pip pluggy psycopg psycopg_binary psycopg_pool py pycparser pygments pymysql
    pytest pytest_cov qrcode redis requests ruff setuptools sqlalchemy
    swagger_ui_bundle typing_extensions tzdata uv webargs werkzeug wheel wrapt wtforms
    app docs examples first_run instance migrations requirements test tests tomli
    """.split()
)

# Windows gives these names to devices, not to folders.
WINDOWS_DEVICES = frozenset(
    ["aux", "con", "nul", "prn"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(10)]
)

# A login refuses domains that cannot receive email (RFC 6761).
RESERVED_DOMAINS = ("arpa", "invalid", "local", "localhost", "onion", "test")


def check_project_slug(value):
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value):
        return "must be lower-case letters, digits and single hyphens, and begin with a letter"
    if len(value) > 50:
        return f"has {len(value)} characters; at most 50 are allowed"
    package = value.replace("-", "_")
    if keyword.iskeyword(package):
        return "is a keyword of Python"
    if package in sys.stdlib_module_names:
        return "is the name of a module of Python's standard library"
    if package in RESERVED_MODULES:
        return "is the name of a module that the project uses itself"
    if package in WINDOWS_DEVICES:
        return "is not a valid folder name on Windows"
    return None


def check_line(value):
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            return f"must be one line of text, without the character U+{ord(character):04X}"
    if re.search("[{][%#{]", value):
        return "must not contain the start of Jinja code (a brace before %, # or a brace)"
    return None


def check_name(value):
    return check_line(value) or (None if value.strip() else "must not be empty")


def check_email(value):
    local = r"[A-Za-z0-9_%+-]['A-Za-z0-9_%+-]*(\.['A-Za-z0-9_%+-]+)*"
    label = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    last = r"[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
    if not re.fullmatch(rf"{local}@({label}\.)+{last}", value):
        return "must be an e-mail address of ASCII letters, digits and . _ % + - '"
    if len(value) > 254 or value.index("@") > 64:
        return "is too long for an e-mail address (RFC 5321: 64 before the @, 254 in all)"
    if value.lower().rpartition(".")[2] in RESERVED_DOMAINS:
        return "has a domain that cannot receive email, so nobody could log in with it"
    return None


def check_minutes(value):
    if re.fullmatch(r"[1-9][0-9]{0,3}", str(value)) and int(value) <= 1440:
        return None
    return "must be a whole number from 1 to 1440"


def check_boolean(value):
    if isinstance(value, bool):
        return None
    return "arrived as text: this template needs cookiecutter 2.7 or newer"


def find_private_problems(answers):
    """Return a sentence for each key that only an altered answers file can have."""
    package = answers["project_slug"].replace("-", "_")
    raw = "{" + "{cookiecutter.__package}" + "}"
    copied = [name.replace("PACKAGE", raw) for name in COPIED_FILES]
    known = RULES.keys() | CHOICES.keys() | PRIVATE
    problems = [
        f"{key!a}: is not a question of this template. Try: remove it from the answers"
        for key in sorted(answers.keys() - known)
    ]
    if answers.get("__package", package) != package:
        problems.append(f"__package: must be {package!a}. Try: remove it from the answers")
    if sorted(answers.get("_copy_without_render", copied)) != sorted(copied):
        problems.append("_copy_without_render: was changed. Try: remove it from the answers")
    return problems


def find_links(folder, slug):
    """Return a sentence for each symbolic link that files could be written through."""
    if os.path.basename(folder) != slug:
        return [f"{slug!a}: is a symbolic link to {folder!a}. Try: another --output-dir"]
    problems = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in TOOL_FOLDERS]
        for name in folders + files:
            path = os.path.join(parent, name)
            if os.path.islink(path):
                path = os.path.relpath(path, folder)
                problems.append(f"{path!a}: is a symbolic link. Try: remove it, and run again")
    return problems


def suggest_slug(value):
    words = "-".join(re.findall(r"[a-z0-9]+", value.lower()))[:46].strip("-")
    if not words:
        return "token-auth-api"
    if not words[0].isalpha():
        words = f"api-{words}"
    return f"{words}-api" if check_project_slug(words) else words


# It is in the folder until the last hook removes it.
UNFINISHED = "UNFINISHED.txt"
INTERRUPTED = """\
Cookiecutter was interrupted while it created this project, or the disk was full: files
are missing. Delete this folder and run the same command again, or run it with
--overwrite-if-exists, which completes the project and does not change .env.
"""

IGNORE_TRACEBACK = "Ignore the traceback below: it is cookiecutter's own."

CHOICES = {
    "license": ["MIT", "BSD-3-Clause", "Apache-2.0", "GPL-3.0-or-later", "Proprietary"],
    "password_hash": ["argon2", "bcrypt", "pbkdf2_sha512"],
    "database": ["sqlite", "postgresql", "mariadb"],
    "ci_provider": ["github", "gitlab", "none"],
    "features": ["full", "core"],
}

# Of cookiecutter and its templates. Whoever writes an answers file cannot change them.
PRIVATE = frozenset(
    """
    __package __prompts__ _checkout _commit _copy_without_render _output_dir _repo_dir _template
    """.split()
)
COPIED_FILES = """
    *.css *.html *.ini *.js *.mako *.sh *.yml .gitattributes .gitignore
    */templates.toml */*/openapi*.json */postman_collection.json
    examples/*.py first_run.py gunicorn.conf.py migrations/*.py */test_*.py tests/*/conftest.py
    PACKAGE/[!s]*.py PACKAGE/settings/* PACKAGE/security/[!s]*.py */sessions.py */stateless.py
""".split()

# Folders of tools, which may have symbolic links and which the template does not write.
TOOL_FOLDERS = {".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", "instance"}

LINES = ("project_name", "description", "author_name", "author_email", "seed_user_email")

# For each option: its rule, and an answer to suggest after a refusal.
RULES = {
    "project_name": (check_name, "Token Auth API"),
    "project_slug": (check_project_slug, suggest_slug),
    "description": (check_line, "A Flask API protected by tokens"),
    "author_name": (check_name, "Ada Lovelace"),
    "author_email": (check_email, "you@example.com"),
    "seed_user_email": (check_email, "test@example.com"),
    "access_token_minutes": (check_minutes, "15"),
    "use_docker": (check_boolean, "pip install 'cookiecutter>=2.7'"),
}


def find_problems(answers, asked):
    """Return one sentence for each refused answer, beginning with the option's name.

    `answers` are the final answers, `asked` what was written before cookiecutter
    rendered it as a template.
    """
    problems = []
    for option, (rule, suggestion) in RULES.items():
        value = answers[option]
        reason = rule(value)
        if not reason and option in LINES:
            value = asked.get(option, value)
            reason = check_line(value)
        if reason:
            example = suggestion(value) if callable(suggestion) else suggestion
            problems.append(f"{option}: {value!a} {reason}. Try: {example}")
    for option, choices in CHOICES.items():
        if answers[option] not in choices:
            reason = f"must be one of {', '.join(choices)}"
            problems.append(f"{option}: {answers[option]!a} {reason}. Try: {choices[0]}")
    return problems


def remove_parents(slug):
    """Remove the folders that a slug like `a/b` created: cookiecutter removes the last."""
    parts = [part for part in os.path.normpath(slug).split(os.sep) if part != os.pardir]
    if len(parts) > 1 and not os.path.isabs(slug):
        folder = os.getcwd()
        os.chdir(os.path.join(folder, *[os.pardir] * len(parts)))
        # A folder that existed before is not empty, and is not removed.
        with contextlib.suppress(OSError):
            for _ in parts:
                os.rmdir(folder)
                folder = os.path.dirname(folder)


def mark_unfinished():
    """Write a note that the last hook removes; return why it cannot be written, if so."""
    if os.path.exists(UNFINISHED):
        print(f"An earlier run was interrupted here ({UNFINISHED}). This run completes it.")
    try:
        with open(UNFINISHED, "w", encoding="utf-8") as file:
            file.write(INTERRUPTED)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(UNFINISHED)
        return [f"{os.getcwd()}: {error.strerror}. Try: another folder, with --output-dir"]
    return []


def main():
    answers = json.loads(r"""{{ cookiecutter | jsonify }}""")
    asked = json.loads(r"""{{ _cookiecutter | default({}) | jsonify }}""")
    problems = find_problems(answers, asked) + find_private_problems(answers)
    problems = problems or find_links(os.getcwd(), answers["project_slug"]) or mark_unfinished()
    if not problems:
        return
    print("", *problems, sep="\n", file=sys.stderr)
    print(f"\nNothing was generated. {IGNORE_TRACEBACK}\n", file=sys.stderr)
    remove_parents(answers["project_slug"])
    sys.exit(1)


if __name__ == "__main__":
    main()
