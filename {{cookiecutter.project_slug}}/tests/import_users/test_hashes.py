"""Hashes of other systems: made by Django 5.2, Werkzeug 3.1, bcrypt and argon2-cffi."""

import pytest

from tests.conftest import PACKAGE, PASSWORD

hashes = PACKAGE.import_users.hashes

# All of the password of the tests, at the lowest costs.
OTHERS = {
    "Django, pbkdf2_sha256": (
        "pbkdf2_sha256$2$saltsalt$C7qQzwA9+JUl84hamHVKN5RPWh7mbgXoo5F4Cdza34I="
    ),
    "Django, pbkdf2_sha1": "pbkdf2_sha1$2$saltsalt$5NmOw+XjDqcqP+cjjCstrXmiSD8=",
    "Django, bcrypt_sha256": (
        "bcrypt_sha256$$2b$04$u7D8cLDUNKhYLbwlnpowyeouwpz5LAcb0NM38GLzlGGmIv1AHYRAe"
    ),
    "Django, bcrypt": (
        "bcrypt$$2b$04$kG3Bj/iTvx1M9O8Fv3E6S.UJlJsjF2bK8mYaPVM88XsgS2vQhFbO."
    ),
    "Django, argon2": (
        "argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$"
        "kQd08M5g5C17otqs6kzQgK0YuRD2niM7eevWQKwwoj4"
    ),
    "Django, scrypt": (
        "scrypt$2$saltsalt$8$5$wmgukAY9qspdUJPxTGQL3Fv+C1Xv9o248CkRrzIOMhniGlTHCbeJRM"
        "PSUEgsgdVhM5zQ5Fv2EPeHmObIuKnFEg=="
    ),
    "Werkzeug, scrypt": (
        "scrypt:512:8:1$QBRmnyzLTDKFIkug$48bea0d5b948209ac04cdbb9f1e1b63bdb0ef04a7a99c"
        "be930d66efb9da93a770841ab0ddeaf21af42a58591bcc70a87b924bb179c7adc1e29ff13ddb1"
        "bac65d"
    ),
    "Werkzeug, pbkdf2:sha256": (
        "pbkdf2:sha256:2$8TIUdMGLeVOWh6Qw$ef20f242933529cbfae8b16c14bc4f29811077ae2b27"
        "bed2d61d91715abaa785"
    ),
    "Werkzeug, pbkdf2:sha512": (
        "pbkdf2:sha512:2$0Q7S0of8LLuzcKNx$096f6018e3456e3b9a4660c74e046b8d5026fd238789"
        "45f42ba201e58b01ba53183aaf50a67476692ef349d89968a821011176bbe92b23d5729a5778c"
        "2996bd5"
    ),
    "bcrypt 2a": "$2a$04$/eB1.Sb53d3zLg5rdS/HNerXzj9Etj2EcBfaGg30/y3NCKACPxTWa",
    "bcrypt 2b": "$2b$04$5103V57wnp94ajeDQZnrgOcHg1cNzdnQ5yDlx6I3HQHMnjWccqfdu",
    "bcrypt 2y": "$2y$04$5103V57wnp94ajeDQZnrgOcHg1cNzdnQ5yDlx6I3HQHMnjWccqfdu",
    "argon2id": (
        "$argon2id$v=19$m=8,t=1,p=1$6464LAQlBj5uoi2Nwae9oQ$"
        "Dmktq4povnPY7GNtuA2LSmuqHOvP0ZPuAorkVf11YBE"
    ),
    "argon2i": (
        "$argon2i$v=19$m=8,t=1,p=1$ft3tx1A/WKHwdeH+mZVPWw$"
        "GMbDwdryqLULOopKB49Rkz3tAeF6icAWH6/+6H9MgOM"
    ),
}
every_kind = pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)


@every_kind
def test_right_password_verifies_and_no_other(text):
    assert hashes.find_problem(text) is None
    assert hashes.verify(PASSWORD, hashes.PREFIX + text)
    assert not hashes.verify(PASSWORD + " ", hashes.PREFIX + text)
    assert not hashes.verify("", hashes.PREFIX + text)


@every_kind
def test_hash_is_told_only_as_a_whole(text):
    changed = [text[1:], text[:-30], f" {text}", f"{text}\n", text.replace("$", "")]
    problems = {hashes.find_problem(each) for each in changed}
    assert problems == {"the kind of its password hash is unknown"}


UMLAUT = "$2b$04$U/2.Pr7ukF52w0KbzdVTjuPpdpajhNoLRypLfzwpGXwMLFnQ4Ar0u"


@pytest.mark.parametrize("u", ["\u00fc", "u\u0308"])
def test_password_with_an_umlaut_verifies_in_both_forms_of_unicode(u):
    assert hashes.verify(f"f{u}nfzehn Zeichen lang", hashes.PREFIX + UMLAUT)


LONG = "$2b$04$DsUU4tIrZhLgqDs.5N8FWOY8MDzXFNaVpr/pzhNe8BalZeSlEcl6G"


@pytest.mark.parametrize(("length", "right"), [(71, False), (72, True), (100, True)])
def test_bcrypt_reads_the_first_72_bytes(length, right):
    assert hashes.verify("a" * length, hashes.PREFIX + LONG) == right


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LONG.replace("$04$", "$15$"), None),
        (LONG.replace("$04$", "$16$"), "rounds at most 15"),
        (LONG.replace("$04$", "$31$"), "rounds at most 15"),
        (f"bcrypt_sha256${LONG.replace('$04$', '$16$')}", "rounds at most 15"),
        (OTHERS["argon2id"].replace("m=8,", "m=262145,"), "memory at most 262144"),
        (OTHERS["argon2id"].replace("t=1,", "t=17,"), "time at most 16"),
        (
            OTHERS["argon2id"].replace("m=8,t=1,p=1$", "m=999,t=1,p=17$"),
            "parallelism at most 16",
        ),
        (OTHERS["Django, argon2"].replace("m=8,", "m=999999999,"), "memory at most"),
        (OTHERS["Django, pbkdf2_sha256"].replace("$2$", "$5000000$"), None),
        (OTHERS["Django, pbkdf2_sha256"].replace("$2$", "$5000001$"), "iterations"),
        (OTHERS["Werkzeug, pbkdf2:sha512"].replace(":2$", ":5000001$"), "iterations"),
        (OTHERS["Werkzeug, scrypt"].replace(":512:", ":262144:"), None),
        (OTHERS["Werkzeug, scrypt"].replace(":512:", ":524288:"), "memory at most"),
        (OTHERS["Werkzeug, scrypt"].replace(":8:1$", ":8:17$"), "parallelism at most"),
        (OTHERS["Django, scrypt"].replace("$2$", "$1048576$"), "memory at most"),
    ],
)
def test_cost_is_limited(text, problem):
    found = hashes.find_problem(text) or ""
    assert (problem or "") in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "plain text", "!", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99"),
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$6$salt$" + "a" * 86,
        "pbkdf2:sha256$salt$" + "a" * 64,
        "pbkdf2:sha256:0$salt$" + "a" * 64,
        "pbkdf2:md5:1000$salt$" + "a" * 32,
        "pbkdf2_sha256$9999999999$salt$" + "a" * 43 + "=",
        "imported:" + OTHERS["bcrypt 2b"],
        OTHERS["bcrypt 2b"].replace("$04$", "$03$"),
        OTHERS["argon2id"].replace("v=19", "v=16"),
        OTHERS["Werkzeug, scrypt"].replace(":512:", ":500:"),
        OTHERS["argon2id"].replace("m=8,t=1,p=1", "m=8,t=1,p=2"),
    ],
)
def test_unknown_hash_is_told_without_its_text(text):
    assert hashes.find_problem(text) == "the kind of its password hash is unknown"


def test_hash_that_is_longer_than_the_column_is_told():
    text = "pbkdf2:sha256:2$" + "s" * 200 + "$" + "a" * 64
    assert hashes.find_problem(text) == "its password hash has more than 246 characters"


def test_hash_that_the_library_cannot_read_matches_nothing():
    broken = OTHERS["argon2id"].replace("6464LAQlBj5uoi2Nwae9oQ", "a" * 25)
    assert not hashes.verify(PASSWORD, hashes.PREFIX + broken)
