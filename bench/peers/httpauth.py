"""Flask-HTTPAuth, with tokens that are rows of a table."""

import os

from flask import Flask
from flask_httpauth import HTTPTokenAuth
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.environ['BENCH_DATABASE']}"
db = SQLAlchemy(app)
auth = HTTPTokenAuth()


class User(db.Model):
    __tablename__ = "auth_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    active: Mapped[bool]


class Token(db.Model):
    __tablename__ = "authtoken_token"
    key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))


@auth.verify_token
def verify_token(token):
    return db.session.scalar(select(User).join(Token).where(Token.key == token, User.active))


@app.get("/dummy-api/")
@auth.login_required
def list_items():
    return {"items": {"Key1": "Value1", "Key2": "value2"}}


def create_headers(user_id):
    with app.app_context():
        key = db.session.scalar(select(Token.key).where(Token.user_id == user_id))
    return {"Authorization": f"Bearer {key}"}
