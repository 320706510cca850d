"""The start page (/), and the API reference (/docs) if API_DOCS is on."""

from importlib.resources import files

from flask import Blueprint, Flask, render_template

# Against cross-site scripting (XSS): scripts and styles come from this server only.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
SWAGGER_UI_FOLDER = str(files("flask_swagger_ui") / "dist")

site = Blueprint("pages", __name__, static_folder="static", template_folder="templates")
docs = Blueprint(
    "docs", __name__, static_folder=SWAGGER_UI_FOLDER, static_url_path="/docs"
)


def init_app(app: Flask) -> None:
    """Register the start page, and the API reference if API_DOCS is on."""
    app.register_blueprint(site)
    if app.config["API_DOCS"]:
        app.register_blueprint(docs)


@site.get("/")
def show_start_page() -> tuple[str, dict[str, str]]:
    """Describe the API, and take the reader to a first call in three steps."""
    return render_template("start.html"), PAGE_HEADERS


@docs.get("/docs")
def show_api_reference() -> tuple[str, dict[str, str]]:
    """Show the OpenAPI document in Swagger UI, where requests can be tried."""
    return render_template("docs.html"), PAGE_HEADERS
