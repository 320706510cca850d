"""The floor: Flask without authentication."""

from flask import Flask

app = Flask(__name__)


@app.get("/dummy-api/")
def items():
    return {"items": {"Key1": "Value1", "Key2": "value2"}}


def credentials(user_id):
    return {}
