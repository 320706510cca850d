"""Settings of `flask auth check`."""

from ..settings import rules

# Ids of findings that are intended here.
SILENCED_CHECKS = rules.list_of(".+", '["auth.E025"]')

# On how many machines the app runs.
INSTANCES = rules.whole_number(1, minimum=1)
