"""The tutorial of 2015, with only the changes that today's Flask-Security requires.

These are: the import from flask_security, the column fs_uniquifier, the setting that
returns a token from a login, and no CSRF token for JSON.
"""

import os
from datetime import datetime

from flask import Flask, jsonify
from flask_security import (
    RoleMixin,
    Security,
    SQLAlchemyUserDatastore,
    UserMixin,
    auth_token_required,
)
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SECRET_KEY"] = "a key that is for this measurement only"
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.environ['BENCH_DATABASE']}"
app.config["SECURITY_PASSWORD_HASH"] = "pbkdf2_sha512"
app.config["SECURITY_PASSWORD_SALT"] = "a salt that is for this measurement only"
app.config["SECURITY_TRACKABLE"] = True
app.config["SECURITY_TOKEN_MAX_AGE"] = 86400
app.config["SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN"] = True
app.config["WTF_CSRF_ENABLED"] = False

db = SQLAlchemy(app)


class Base(db.Model):
    __abstract__ = True
    id = db.Column(db.Integer, primary_key=True)
    created_at = db.Column(db.DateTime, default=datetime.now)
    modified_at = db.Column(db.DateTime, default=datetime.now, onupdate=datetime.now)


roles_users = db.Table(
    "auth_user_role",
    db.Column("user_id", db.Integer, db.ForeignKey("auth_user.id")),
    db.Column("role_id", db.Integer, db.ForeignKey("auth_role.id")),
)


class Role(Base, RoleMixin):
    __tablename__ = "auth_role"
    name = db.Column(db.String(80), nullable=False, unique=True)
    description = db.Column(db.String(255))


class User(Base, UserMixin):
    __tablename__ = "auth_user"
    email = db.Column(db.String(255), nullable=False, unique=True)
    password = db.Column(db.String(255), nullable=False)
    first_name = db.Column(db.String(255))
    last_name = db.Column(db.String(255))
    active = db.Column(db.Boolean)
    confirmed_at = db.Column(db.DateTime)
    fs_uniquifier = db.Column(db.String(64), nullable=False, unique=True)
    last_login_at = db.Column(db.DateTime)
    current_login_at = db.Column(db.DateTime)
    last_login_ip = db.Column(db.String(45))
    current_login_ip = db.Column(db.String(45))
    login_count = db.Column(db.Integer)
    roles = db.relationship(
        "Role", secondary=roles_users, backref=db.backref("users", lazy="dynamic")
    )


security = Security(app, SQLAlchemyUserDatastore(db, User, Role))


@app.route("/dummy-api/", methods=["GET"])
@auth_token_required
def list_items():
    return jsonify(items={"Key1": "Value1", "Key2": "value2"})


def create_headers(user_id):
    with app.app_context():
        return {"Authentication-Token": db.session.get(User, user_id).get_auth_token()}
