"""`make serve` under load and faults, over the servers that production has."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import requests
from conftest import ROOT, SERVERS, free_port, new_database, run, seed_user
from load import Outcome, get, post, send, send_all
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

pytestmark = [pytest.mark.full, pytest.mark.load]

WRONG = "a wrong password"


@pytest.fixture
def project(default_project, installed, tmp_path):
    """Return a project that is set up, on SQLite."""
    project = installed(shutil.copytree(default_project, tmp_path / "token-auth-api"))
    run([".venv/bin/python", "-m", "token_auth_api.first_run"], project)
    return project


@pytest.fixture
def server_project(bake, installed):
    """Return a project that is set up, for PostgreSQL."""
    project = installed(bake(database="postgresql"))
    run([".venv/bin/python", "-m", "token_auth_api.first_run"], project)
    return project


def log_in(base, user):
    return requests.post(f"{base}/login", json=user, timeout=30)


def token_of(base, user):
    return log_in(base, user).json()["response"]["user"]["authentication_token"]


def call(base, token, path="/dummy-api/", method="GET"):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{base}{path}", headers=headers, timeout=30).status_code


# --- Several instances --------------------------------------------------------


@pytest.fixture
def instances(server_project, serve, redis):
    """Return the addresses of two instances over one PostgreSQL and one Redis."""
    with new_database("postgresql") as uri:
        there = {"FLASK_SQLALCHEMY_DATABASE_URI": uri, "FLASK_RATELIMIT_STORAGE_URI": redis.uri}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in there.items():
                patch.setenv(name, value)
            yield [serve(server_project, "serve") for _ in range(2)]


def test_token_of_one_instance_opens_the_other(instances, server_project):
    one, other = instances
    assert call(other, token_of(one, seed_user(server_project))) == 200


def test_what_ends_on_one_instance_ends_on_the_other(instances, server_project):
    one, other = instances
    user = seed_user(server_project)
    token = token_of(one, user)
    assert call(one, token, "/logout", "POST") == 200
    assert call(other, token) == 401
    for command in (["auth", "revoke"], ["users", "deactivate"]):
        token = token_of(one, user)
        assert call(other, token) == 200
        run([".venv/bin/flask", *command, user["email"]], server_project)
        assert (call(one, token), call(other, token)) == (401, 401)


def test_instances_count_refused_logins_together(instances):
    guess = {"email": "user@example.com", "password": WRONG}
    statuses = [log_in(instances[n % 2], guess).status_code for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2


# --- SQLite -------------------------------------------------------------------

CROWD = {"WEB_CONCURRENCY": "4", "WEB_THREADS": "8"}


def crowd_logs_in(base, user, logins):
    return asyncio.run(send_all(base.port, [post("/login", user)] * logins, 64)).counts


@contextlib.contextmanager
def write_lock(project, seconds):
    """Hold SQLite's write lock from another process, from now on."""
    code = "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    code += "c.execute('BEGIN IMMEDIATE'); print(flush=True); time.sleep(float(sys.argv[2]))"
    file = project / "instance/app.db"
    command = [sys.executable, "-c", code, file, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield


def login_count(project, file="app.db"):
    with contextlib.closing(sqlite3.connect(project / "instance" / file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT sum(login_count) FROM auth_user").fetchone()[0]


def test_sqlite_takes_1500_logins_of_64_clients_and_counts_each(project, serve):
    base = serve(project, "serve", **CROWD)
    user = seed_user(project)
    assert crowd_logs_in(base, user, 1500) == {200: 1500}
    assert login_count(project) == 1500
    with write_lock(project, 8):
        assert crowd_logs_in(base, user, 1500) == {200: 1500}
    assert login_count(project) == 3000


def test_sqlite_that_does_not_wait_for_its_lock_would_fail(project, serve):
    impatient = '{"connect_args": {"timeout": 0}}'
    base = serve(project, "serve", FLASK_SQLALCHEMY_ENGINE_OPTIONS=impatient, **CROWD)
    with write_lock(project, 8):
        counts = crowd_logs_in(base, seed_user(project), 200)
    assert counts[503] > 0
    assert login_count(project) == counts[200]


def test_backup_of_a_busy_sqlite_is_whole(project, serve):
    base, user = serve(project, "serve"), seed_user(project)
    into = f"VACUUM INTO '{project}/instance/backup.db'"

    def back_up():
        with contextlib.closing(sqlite3.connect(project / "instance/app.db")) as database:
            database.execute(into)

    counts = asyncio.run(during(base, [post("/login", user)] * 200, 8, back_up))
    assert counts == {200: 200}
    assert 0 < login_count(project, "backup.db") < 200


# --- A crowd ------------------------------------------------------------------


def memory(base):
    """Return the resident memory of a server and its workers, in MiB."""
    return sum(resident(pid) for pid in base.processes)


def resident(pid):
    with contextlib.suppress(FileNotFoundError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0


@contextlib.contextmanager
def watch(base):
    """Ask for health twice a second, from another thread; note the peak of memory."""
    health, peak, done = Outcome(), [0.0], threading.Event()

    async def ask():
        while not done.is_set():
            await send(base.port, get("/healthz"), health)
            peak[0] = max(peak[0], memory(base))
            await asyncio.sleep(0.5)

    watcher = threading.Thread(target=asyncio.run, args=[ask()])
    watcher.start()
    try:
        yield health, peak
    finally:
        done.set()
        watcher.join()


STORM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from load import post, storm

login = post("/login", json.loads(sys.argv[3]))
print(json.dumps(storm(int(sys.argv[2]), login, 10_000, seconds=300)))
"""


def test_of_10000_logins_at_once_none_is_dropped(project, serve):
    base = serve(project, "serve")
    user = json.dumps(seed_user(project))
    assert crowd_logs_in(base, json.loads(user), 200).keys() <= {200, 503}
    rest = memory(base)

    def slowest_health_check():
        command = [sys.executable, "-c", STORM, Path(__file__).parent, base.port, user]
        with watch(base) as (health, peak):
            counts = json.loads(run(command, project).stdout)
        assert (counts.keys() <= {"200", "503"}, sum(counts.values())) == (True, 10_000), counts
        assert health.counts.keys() == {200}
        assert peak[0] < 2 * rest
        return max(health.seconds)

    # The load shares the machine: what else runs there may spoil a storm, not three.
    assert any(slowest_health_check() < 5 for _ in range(3))


# --- Faults -------------------------------------------------------------------


async def during(base, load, clients, fault, ready=lambda outcome: outcome.counts.total() >= 50):
    """Send the load, and let the fault happen in the midst of it."""
    outcome = Outcome()
    answers = asyncio.create_task(send_all(base.port, load, clients, outcome=outcome))
    while not ready(outcome):
        await asyncio.sleep(0.01)
    await asyncio.to_thread(fault)
    return (await answers).counts


def test_worker_that_is_killed_is_replaced_and_loses_no_login(project, serve):
    base, user = serve(project, "serve"), seed_user(project)
    calls = [get("/dummy-api/", token_of(base, user))] * 200
    killed, logins = base.workers[-1], [post("/login", user)] * 300
    counts = asyncio.run(during(base, logins, 8, partial(os.kill, killed, signal.SIGKILL)))
    assert counts.keys() <= {200, "closed", "ConnectionResetError"}
    assert counts.total() - counts[200] <= 8
    # One more is from before. A commit may have had no answer, never the reverse.
    assert login_count(project) >= counts[200] + 1
    assert asyncio.run(send_all(base.port, calls, 16)).counts == {200: 200}
    assert wait_until(lambda: len(base.workers) == 2 and killed not in base.workers)


def test_reload_drops_no_request(project, serve):
    base = serve(project, "serve")
    load = [get("/dummy-api/", token_of(base, seed_user(project)))] * 2000
    before = base.workers
    reload = partial(os.kill, base.server, signal.SIGHUP)
    counts = asyncio.run(during(base, load, 16, reload))
    assert counts == {200: 2000}
    assert wait_until(lambda: len(base.workers) == 2 and not set(before) & set(base.workers))


def accepted(port):
    """Return how many connections to a port are open, of those that the server took."""
    taken = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if local.endswith(f":{port:04X}"):
            # Of the socket that listens, the second queue has those that it did not take yet.
            waiting = int(queues.partition(":")[2], 16)
            taken += {"01": 1, "0A": -waiting}.get(state, 0)
    return taken


def test_stop_cuts_off_no_answer(project, serve):
    base = serve(project, "serve")
    user = seed_user(project)
    load = [get("/dummy-api/", token_of(base, user)), post("/login", user)] * 100

    def all_are_in(outcome):
        return accepted(base.port) + outcome.counts.total() >= 200

    stop = partial(os.kill, base.server, signal.SIGTERM)
    counts = asyncio.run(during(base, load, 200, stop, all_are_in))
    assert counts.keys() <= {200, 503}
    assert counts.total() == 200
    assert counts[200] >= 100


class Service:
    """A server of our own, that can be killed and started again on the same port."""

    def __init__(self, command, user=None, port=None):
        self.command, self.user = command, user
        self.port = port or free_port()
        self.start()

    def start(self):
        command = [word.replace("PORT", str(self.port)) for word in self.command]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, user=self.user, **quiet)
        assert wait_until(self.listens), f"{command} did not start"

    def listens(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        return False

    def signal(self, number):
        """Send a signal to it and to its children, which lead groups of their own."""
        found = ["pgrep", "-P", str(self.process.pid)]
        children = subprocess.run(found, capture_output=True).stdout.split()
        for pid in (self.process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        """Kill it at once."""
        self.signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def redis():
    if not shutil.which("redis-server"):
        pytest.skip("there is no redis-server")
    service = Service(["redis-server", "--port", "PORT", "--save", ""])
    service.uri = f"redis://127.0.0.1:{service.port}"
    yield service
    service.signal(signal.SIGCONT)
    service.kill()


FAULTS = {
    "killed": (Service.kill, Service.start),
    "frozen": (
        lambda redis: redis.signal(signal.SIGSTOP),
        lambda redis: redis.signal(signal.SIGCONT),
    ),
}


@pytest.mark.parametrize(("harm", "heal"), FAULTS.values(), ids=FAULTS)
def test_without_its_redis_the_limit_holds_in_each_process(project, serve, redis, harm, heal):
    limits = {"FLASK_RATELIMIT_STORAGE_URI": redis.uri, "FLASK_LOGIN_LIMIT_PER_ADDRESS": "999/hour"}
    base = serve(project, "serve", WEB_CONCURRENCY="1", **limits)
    numbers = itertools.count()

    def slowest_answer_without_redis():
        assert wait_until(lambda: counts(redis, base, f"user{next(numbers)}@example.com"))
        harm(redis)
        answers = guesses(base, f"user{next(numbers)}@example.com")
        right = log_in(base, seed_user(project))
        heal(redis)
        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
        assert right.status_code == 200
        return max(answer.elapsed.total_seconds() for answer in (*answers, right))

    # What else runs on the machine may spoil a round, not three.
    assert any(slowest_answer_without_redis() < 1 for _ in range(3))
    assert wait_until(lambda: counts(redis, base, f"user{next(numbers)}@example.com"))


def guesses(base, email):
    return [log_in(base, {"email": email, "password": WRONG}) for _ in range(12)]


def counts(redis, base, email):
    """Say whether a Redis that was emptied has a count after one more guess."""

    def ask(word):
        command = ["redis-cli", "-p", str(redis.port), word]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    ask("flushall")
    assert log_in(base, {"email": email, "password": WRONG}).status_code == 401
    return ask("dbsize") not in ("", "0")


def wait_until(condition):
    for _ in range(120):
        if condition():
            return True
        time.sleep(0.5)
    return False


@pytest.fixture
def postgres(tmp_path):
    """Return a PostgreSQL of our own, without a password."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        pytest.skip("there is no PostgreSQL server to start")
    # PostgreSQL does not run as root.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        if user:
            shutil.chown(folder, user)
        initdb = [found[-1] / "initdb", "-A", "trust", "-U", "postgres", "-D", f"{folder}/data"]
        run(initdb, tmp_path, user=user)
        where = ["-D", f"{folder}/data", "-k", folder, "-h", "127.0.0.1", "-p", "PORT"]
        service = Service([str(found[-1] / "postgres"), *where], user)
        assert wait_until(lambda: connects(uri_of(service)))
        yield service
        service.kill()


def uri_of(postgres):
    return f"postgresql+psycopg://postgres@127.0.0.1:{postgres.port}/postgres"


def connects(uri):
    with contextlib.suppress(OperationalError), create_engine(uri).connect() as connection:
        return connection.scalar(text("SELECT 1")) == 1
    return False


def test_database_that_is_killed_under_load_loses_no_login(server_project, serve, postgres):
    user, uri = seed_user(server_project), uri_of(postgres)
    base = serve(server_project, "serve", FLASK_SQLALCHEMY_DATABASE_URI=uri)
    token = token_of(base, user)

    def kill_and_start():
        postgres.kill()
        away = [requests.get(f"{base}/readyz", timeout=20), log_in(base, user)]
        assert {answer.headers["Content-Type"] for answer in away} == {"application/problem+json"}
        assert [answer.status_code for answer in away] == [503, 503]
        assert call(base, token) == 503
        assert requests.get(f"{base}/healthz", timeout=20).status_code == 200
        postgres.start()

    load = [post("/login", user)] * 200
    counts = asyncio.run(during(base, load, 8, kill_and_start))
    assert counts.keys() == {200, 503}
    assert wait_until(lambda: connects(uri))
    assert (call(base, token), log_in(base, user).status_code) == (200, 200)
    with create_engine(uri).connect() as connection:
        counted = connection.scalar(text("SELECT sum(login_count) FROM auth_user"))
        sessions = connection.scalar(text("SELECT count(*) FROM auth_refresh_tracker"))
    # Two more are from before and after. A commit may have had no answer, never the reverse.
    assert min(counted, sessions) >= counts[200] + 2


# --- PgBouncer ----------------------------------------------------------------


@pytest.fixture
def pgbouncer():
    """Return a PgBouncer with two connections to the PostgreSQL of the environment."""
    uri = os.environ.get(SERVERS["postgresql"])
    if not (uri and shutil.which("pgbouncer")):
        pytest.skip("there is no PostgreSQL, or no pgbouncer")
    server = make_url(uri)
    port = free_port()
    settings = f"""
        [databases]
        * = host={server.host} port={server.port or 5432} user={server.username}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        auth_type = any
        pool_mode = transaction
        default_pool_size = 2
    """
    # PgBouncer does not run as root.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.NamedTemporaryFile("w", dir="/tmp", suffix=".ini") as file:
        file.write(settings)
        file.flush()
        os.chmod(file.name, 0o644)
        service = Service(["pgbouncer", file.name], user, port)
        yield service
        service.kill()


def test_crowd_shares_the_two_connections_of_pgbouncer(server_project, serve, pgbouncer):
    page = (ROOT / "docs/scaling.md").read_text("utf-8")
    ((name, options),) = re.findall(r"(FLASK_SQLALCHEMY_ENGINE_OPTIONS)='(.*prepare.*)'", page)
    with new_database("postgresql") as direct:
        through = make_url(direct).set(host="127.0.0.1", port=pgbouncer.port)
        uri = through.render_as_string(hide_password=False)
        base = serve(server_project, "serve", **{name: options}, FLASK_SQLALCHEMY_DATABASE_URI=uri)
        user = seed_user(server_project)
        load = [post("/login", user), *[get("/dummy-api/", token_of(base, user))] * 9] * 60
        # No more clients than one worker hashes and lets wait: whoever logs in has room.
        assert asyncio.run(send_all(base.port, load, 8)).counts == {200: 600}
