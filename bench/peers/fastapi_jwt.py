"""FastAPI, with a JWT and a query for the user, as its guide shows them."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

SECRET_KEY = "a key that is for this measurement only"

app = FastAPI()
engine = create_engine(f"sqlite:///{os.environ['BENCH_DATABASE']}")
bearer = OAuth2PasswordBearer(tokenUrl="login")


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "auth_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    active: Mapped[bool]


def open_session():
    with Session(engine) as session:
        yield session


def get_current_user(
    session: Annotated[Session, Depends(open_session)], token: Annotated[str, Depends(bearer)]
):
    try:
        claims = jwt.decode(token, SECRET_KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        claims = {"sub": 0}
    user = session.scalar(select(User).where(User.id == int(claims["sub"]), User.active))
    if user is None:
        raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    return user


@app.get("/dummy-api/")
def list_items(user: Annotated[User, Depends(get_current_user)]):
    return {"items": {"Key1": "Value1", "Key2": "value2"}}


def create_headers(user_id):
    claims = {"sub": str(user_id), "exp": datetime.now(UTC) + timedelta(days=1)}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET_KEY, algorithm='HS256')}"}
