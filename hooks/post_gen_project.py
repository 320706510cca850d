"""Remove the files that the answers do not ask for, and print the next steps."""

# Nothing else is imported: each module that a hook imports is time that everyone waits.
import os

# Safe to use as text: the first hook has validated them.
ANSWERS = {
    "project_slug": "{{ cookiecutter.project_slug }}",
    "package": "{{ cookiecutter.__package }}",
    "use_docker": "{{ cookiecutter.use_docker }}",
    "ci_provider": "{{ cookiecutter.ci_provider }}",
    "features": "{{ cookiecutter.features }}",
}

# The files that belong to an answer: (option, answer) -> files.
OWNED_FILES = {
    ("use_docker", "True"): ["Dockerfile", ".dockerignore", "compose.yaml"],
    ("ci_provider", "github"): [".github/workflows/ci.yml"],
    ("ci_provider", "gitlab"): [".gitlab-ci.yml"],
    ("features", "full"): [
        *("{package}/accounts", "tests/accounts", "docs/accounts.md"),
        *("{package}/basic_auth", "tests/basic_auth"),
        *("{package}/breached_passwords", "tests/breached_passwords"),
        *("{package}/emails", "tests/emails"),
        *("{package}/copy_data", "tests/copy_data"),
        *("{package}/backup.py", "tests/test_backup.py"),
        *("{package}/import_users", "tests/import_users"),
    ],
}

# The lines in other files that belong to an answer, by a text that only they contain.
# docs/features.md of the project says the same, for who removes a feature by hand.
OWNED_LINES = {
    ("features", "full"): {
        "{package}/__init__.py": [
            *("    accounts", "    backup", "    basic_auth", "    breached_passwords"),
            *("    copy_data", "    emails", "    import_users"),
        ],
        "README.md": [
            *("accounts/", "accounts.md", "basic_auth/", "breached_passwords/"),
            *("copy-data", "copy_data", "db-backup", "emails/", "import_users/"),
        ],
        "docs/security.md": ["accounts/", "accounts.md", "breached_passwords/", "emails/"],
        "pyproject.toml": ["breached_passwords/", "address of a setting"],
    },
}

NEXT_STEPS = """
Created {project_slug}. Next:

    cd {project_slug}
    make run

It installs the dependencies, prints the password of the seed user, and serves on
http://127.0.0.1:5001. README.md says how to get a token and call the API, and has the
commands for Windows.
"""


def remove(path):
    """Remove a file or a folder, and the parent folders that are then empty."""
    if os.path.isdir(path):
        for name in os.listdir(path):
            remove(os.path.join(path, name))
    elif os.path.exists(path):
        os.remove(path)
    while (path := os.path.dirname(path)) and os.path.isdir(path) and not os.listdir(path):
        os.rmdir(path)


def remove_lines(path, texts):
    """Remove the lines of a file that contain one of the texts."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.readlines()
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(line for line in lines if not any(text in line for text in texts))


def main():
    for (option, answer), paths in OWNED_FILES.items():
        if ANSWERS[option] != answer:
            for path in paths:
                remove(path.format_map(ANSWERS))
    for (option, answer), lines in OWNED_LINES.items():
        if ANSWERS[option] != answer:
            for path, texts in lines.items():
                remove_lines(path.format_map(ANSWERS), texts)
    # The note of the first hook, for an interrupted run.
    remove("UNFINISHED.txt")
    print(NEXT_STEPS.format_map(ANSWERS))


if __name__ == "__main__":
    main()
