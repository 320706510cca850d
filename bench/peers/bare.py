"""The lower limit: Flask without authentication."""

from flask import Flask

app = Flask(__name__)


@app.get("/dummy-api/")
def list_items():
    return {"items": {"Key1": "Value1", "Key2": "value2"}}


def create_headers(user_id):
    return {}
