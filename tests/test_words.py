"""The field's own words: none that only this project used for a thing comes back."""

import re

import pytest
from conftest import ROOT, run

# Each was once a name or a phrase here, and stands beside the word that replaced it.
REPLACED = {
    r"\bletters?\b|\bLETTER|Letter\b": "email, emails",
    r"\bmoving\b|copy[-_]from\b": "copy_data, flask copy-data",
    r"\bweakness(es)?\b|\bLOOKS\b|\b[Mm]end(s|ed|ing)?\b": "checks, finding, fix",
    r"\bSAID\b|\b_say\b": "ON_CONNECT_SQL, run_on_connect",
    r"\bFOR_ONE_QUERY\b|\blookups\b": "SINGLE_QUERY_OPTIONS, single_query_engine",
    r"\bENTRANCES\b": "LOGIN_ENDPOINTS",
    r"\bMOST\b|\bLEAST\b|_(MOST|LEAST)\b": "MAX_..., MIN_...",
    r"\bPATIENCE\b|AWAY_SECONDS": "..._TIMEOUT, ..._RETRY_AFTER",
    r"\bcheck_room\b|_in_turn\b|\bdef busy\b|\bsettle\b|context\.(line|room)\b": "queue, slots",
    r"[Dd]ecoy": "UnknownUser",
    r"\bone_spelling\b|\baddress_of\b": "normalize_email",
    r"(class|except|raise|users\.) ?Refused\b": "InvalidAccountRequest",
    r"\bACCOUNTS\b|\bFLASK_ACCOUNTS\b|accounts\.PARTS": "ACCOUNT_FLOWS, flows",
    r"\bOWN_WORDS\b|\bown words\b": "USER_ATTRIBUTES",
    r"\bWAITING\b|HASHES_AT_ONCE": "MAX_WAITING_HASHES, MAX_CONCURRENT_HASHES",
    r"LIMIT_PER_ADDRESS|LOGIN_LIMIT_": "LOGIN_RATE_LIMIT_PER_NETWORK, ..._PER_ACCOUNT",
    r"CHECKS_SILENCED": "SILENCED_CHECKS",
    r"\bANY_ENGINE\b": "COMMON_ENGINE_OPTIONS",
    r"\b_own\(|\b_unchanged\(|_not_for_keeping|_overtaken": "get_own_note, stale_row, ...",
    r"\bborders\b|\bthe border\b|test_border": "import layers",
    r"^(NEW|NOTE|THEN) = |example=(NEW|NOTE)\b": "EXAMPLE_NEW_NOTE, EXAMPLE_NOTE",
    r"\b[Tt]he document\b|test_document\b": "OpenAPI document, API reference",
    r"\bhouse\b|\bhouse[-.]": "organisation",
    r"\b[Ff]irst user\b": "seed user",
    r"\b(is|was|were|be|are) away\b|\bgoes away\b": "is unreachable",
    r"refresh_tracker|\btracker\b|\bfamily\b|\bfamilies\b": "session",
    r"remember_token_serializer|confirm_serializer": "named after what they sign",
    r"\bNoSession\b|cookies\.py": "stateless.py",
    r"setting_rules|secret_rules|request_checks": "settings/, request_validation.py",
    r"\b[Gg]uessers?\b|[Ww]ho guesses": "attacker, attempts",
    r"\b[Ll]og-ins?\b": "login (noun), log in (verb)",
    r"as (it|they) should be": "invalid",
    r"that the database can keep": "A value cannot be stored in the database.",
    r"Beside your name": "besides your name and e-mail address",
    r"It is not (right|valid)": "The password is wrong. The link is invalid or has expired.",
    r"you perhaps": "You (or someone else) requested ...",
    r"that bear it|Guessing that|that are renewed, not repeated": "plain headings",
    r"Keep something|When it says no|Read the document|Deploy next": "plain headings",
    r"as you have read it|[Ss]omebody was faster": "has not changed since you read it",
    r"[Ww]hat was forgotten|settings are not safe": "Check the deployment, Invalid configuration:",
}

PROJECT = "{{cookiecutter.project_slug}}"
PACKAGE = PROJECT + "/{{cookiecutter.__package}}"

# Lines where such a word is an ordinary one, or a library's own: file -> parts of lines.
ORDINARY = {
    "bench/report.py": ["font-family"],
    "hooks/pre_gen_project.py": ["letters, digits", "begin with a letter", "ASCII letters"],
    f"{PROJECT}/tests/security/test_request_attacks.py": ['{"uid": "a", "family": "a"'],
}

# Not ours to word: licenses, locks, pictures, and this list itself.
SKIPPED = re.compile(
    r"templates/|requirements.*\.txt$|\.(png|svg)$|tests/(test_words\.py|messages\.txt)$|LICENSE$"
)


def lines():
    """Return every line that this project has written: its file and its text."""
    names = run(["git", "ls-files", "-co", "--exclude-standard"], ROOT).stdout.splitlines()
    for name in names:
        if not SKIPPED.search(name) and (ROOT / name).is_file():
            for line in (ROOT / name).read_text("utf-8").splitlines():
                yield name, line


LINES = list(lines())


def is_ordinary(name, line):
    return any(part in line for part in ORDINARY.get(name, []))


@pytest.mark.parametrize(("pattern", "instead"), REPLACED.items(), ids=REPLACED.values())
def test_replaced_word_is_not_written_again(pattern, instead):
    found = [f"{name}: {line.strip()}" for name, line in LINES if re.search(pattern, line)]
    found = [text for text in found if not is_ordinary(*text.split(": ", 1))]
    assert found == [], f"write: {instead}"


def test_every_exception_is_needed():
    replaced = re.compile("|".join(REPLACED))
    used = [(name, line) for name, line in LINES if replaced.search(line)]
    for name, parts in ORDINARY.items():
        for part in parts:
            assert any(name == file and part in line for file, line in used), (name, part)
