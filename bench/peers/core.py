"""The practical limit: one signature check and one indexed query, nothing else."""

import os

from flask import Flask, abort, request
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Boolean, bindparam, column, create_engine, select, table

app = Flask(__name__)
engine = create_engine(f"sqlite:///{os.environ['BENCH_DATABASE']}")
signer = URLSafeTimedSerializer("a key that is for this measurement only", salt="access-token")

users = table("auth_user", column("id"), column("active", Boolean))
ACTIVE_USER = select(users.c.id).where(users.c.id == bindparam("id"), users.c.active)


def find_user_id():
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        user_id = signer.loads(token, max_age=86400) if scheme == "Bearer" else None
    except BadData:
        return None
    with engine.connect() as connection:
        return connection.execute(ACTIVE_USER, {"id": user_id}).scalar()


@app.get("/dummy-api/")
def list_items():
    if find_user_id() is None:
        abort(401)
    return {"items": {"Key1": "Value1", "Key2": "value2"}}


def create_headers(user_id):
    return {"Authorization": f"Bearer {signer.dumps(user_id)}"}
