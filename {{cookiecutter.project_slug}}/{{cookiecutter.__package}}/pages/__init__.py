"""Pages for people: / always, /docs where API_DOCS is on."""

from importlib.resources import files

from flask import Blueprint, Flask, render_template

# Scripts and styles come from files of ours; no form is sent without a script.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
SWAGGER_UI = str(files("flask_swagger_ui") / "dist")

site = Blueprint("pages", __name__, static_folder="static", template_folder="templates")
docs = Blueprint("docs", __name__, static_folder=SWAGGER_UI, static_url_path="/docs")


def init_app(app: Flask) -> None:
    """Serve them."""
    app.register_blueprint(site)
    if app.config["API_DOCS"]:
        app.register_blueprint(docs)


@site.get("/")
def start() -> tuple[str, dict[str, str]]:
    """What this is, and three steps to a first call."""
    return render_template("start.html"), HEADERS


@docs.get("/docs")
def swagger_ui() -> tuple[str, dict[str, str]]:
    """The document, to read and to try."""
    return render_template("docs.html"), HEADERS
