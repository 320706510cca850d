"""Flask-JWT-Extended, with the user loader and the blocklist that its documentation shows."""

import os

from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, jwt_required
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = "a key that is for this measurement only"
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = 86400
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.environ['BENCH_DATABASE']}"
db = SQLAlchemy(app)
jwt = JWTManager(app)


class User(db.Model):
    __tablename__ = "auth_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    active: Mapped[bool]


class Blocked(db.Model):
    __tablename__ = "token_blocklist"
    id: Mapped[int] = mapped_column(primary_key=True)
    jti: Mapped[str]


@jwt.token_in_blocklist_loader
def check_if_token_is_revoked(header, payload):
    return db.session.scalar(select(Blocked.id).filter_by(jti=payload["jti"])) is not None


@jwt.user_lookup_loader
def load_user(header, payload):
    return db.session.scalar(select(User).filter_by(id=int(payload["sub"]), active=True))


@jwt.invalid_token_loader
def refuse_invalid_token(reason):
    return {"msg": reason}, 401  # without this function it is 422


@app.get("/dummy-api/")
@jwt_required()
def list_items():
    return {"items": {"Key1": "Value1", "Key2": "value2"}}


def create_headers(user_id):
    with app.app_context():
        return {"Authorization": f"Bearer {create_access_token(identity=str(user_id))}"}
