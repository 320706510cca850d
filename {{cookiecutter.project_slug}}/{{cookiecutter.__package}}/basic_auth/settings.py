"""The setting of HTTP Basic."""

from ..settings import rules

# HTTP Basic sends the password with every request: for a try in a browser.
HTTP_BASIC_AUTH = rules.boolean(False)
