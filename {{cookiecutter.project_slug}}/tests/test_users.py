"""Accounts: made once, whoever asks and how often."""

from concurrent.futures import ThreadPoolExecutor


def test_of_many_accounts_at_once_one_is_made(make_app, package):
    app, users = make_app(HASHES_AT_ONCE=12), package.security.users

    def create(spelling):
        with app.app_context():
            try:
                return users.create(spelling, "correct horse battery").email
            except users.Refused as reason:
                return f"refused: {reason}"

    spellings = ["grace@example.com", "Grace@example.com", "GRACE@example.com"] * 4
    with ThreadPoolExecutor(12) as pool:
        made = [a for a in pool.map(create, spellings) if not a.startswith("refused")]
    assert len(made) == 1
