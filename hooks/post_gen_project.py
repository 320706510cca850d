"""Remove the files that the answers do not ask for, and say what comes next."""

import json
import os
import shutil

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")

# Whoever wants a file: (option, answer) -> its files.
OWNERS = {
    ("use_docker", True): ["Dockerfile", ".dockerignore", "compose.yaml"],
    ("ci_provider", "github"): [".github"],
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
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


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
