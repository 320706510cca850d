"""The smallest protected endpoint."""

from flask import Blueprint

from ..security import token_required

blueprint = Blueprint("dummy", __name__, url_prefix="/dummy-api")


@blueprint.get("/")
@token_required
def items() -> dict[str, dict[str, str]]:
    """Two items, for anyone with a valid token."""
    return {"items": {"Key1": "Value1", "Key2": "value2"}}
