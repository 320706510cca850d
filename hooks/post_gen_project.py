"""Remove the files that the answers do not ask for, and say what comes next."""

# Nothing else: each module that a hook imports is time that everyone waits.
import os

# Plain words, as the first hook has seen to it.
ANSWERS = {
    "project_slug": "{{ cookiecutter.project_slug }}",
    "use_docker": "{{ cookiecutter.use_docker }}",
    "ci_provider": "{{ cookiecutter.ci_provider }}",
}

# Whoever wants a file: (option, answer) -> its files.
OWNERS = {
    ("use_docker", "True"): ["Dockerfile", ".dockerignore", "compose.yaml"],
    ("ci_provider", "github"): [".github/workflows/ci.yml"],
    ("ci_provider", "gitlab"): [".gitlab-ci.yml"],
}

NEXT_STEPS = """
Made {slug}. Next:

    cd {slug}
    make run

It sets itself up, shows the first user's password, and serves on
http://127.0.0.1:5001. README.md says how to get a token and call the API, and
has the commands for Windows.
"""


def remove(path):
    """Remove a file, and the folders that are then empty."""
    if os.path.exists(path):
        os.remove(path)
        while (path := os.path.dirname(path)) and not os.listdir(path):
            os.rmdir(path)


def main():
    for (option, answer), paths in OWNERS.items():
        if ANSWERS[option] != answer:
            for path in paths:
                remove(path)
    # The note of the first hook, for whoever finds half a project.
    remove("UNFINISHED.txt")
    print(NEXT_STEPS.format(slug=ANSWERS["project_slug"]))


if __name__ == "__main__":
    main()
