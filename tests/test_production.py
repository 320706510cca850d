"""`make serve` under load and faults, with the database servers of production."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import secrets
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
from load import Results, get, post, send, send_all
from sqlalchemy import MetaData, NullPool, Table, create_engine, make_url, select, text
from sqlalchemy.exc import OperationalError

pytestmark = [pytest.mark.full, pytest.mark.load]

WRONG_PASSWORD = "a wrong password"


@pytest.fixture
def project(default_project, installed, tmp_path):
    """Return a project that is set up, on SQLite."""
    project = installed(shutil.copytree(default_project, tmp_path / "token-auth-api"))
    run([".venv/bin/python", "first_run.py"], project)
    return project


@pytest.fixture
def server_project(bake, installed):
    """Return a project that is set up, for PostgreSQL."""
    project = installed(bake(database="postgresql"))
    run([".venv/bin/python", "first_run.py"], project)
    return project


def log_in(base, user):
    return requests.post(f"{base}/login", json=user, timeout=30)


def get_token(base, user):
    return log_in(base, user).json()["response"]["user"]["authentication_token"]


def call(base, token, path="/dummy-api/", method="GET"):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{base}{path}", headers=headers, timeout=30).status_code


# --- Several instances --------------------------------------------------------


@pytest.fixture
def instances(server_project, serve, redis):
    """Return the URLs of two instances that share a PostgreSQL and a Redis."""
    with new_database("postgresql") as uri:
        shared = {"FLASK_SQLALCHEMY_DATABASE_URI": uri, "FLASK_RATELIMIT_STORAGE_URI": redis.uri}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in shared.items():
                patch.setenv(name, value)
            yield [serve(server_project, "serve") for _ in range(2)]


def test_token_of_one_instance_opens_the_other(instances, server_project):
    one, other = instances
    assert call(other, get_token(one, seed_user(server_project))) == 200


def test_what_ends_on_one_instance_ends_on_the_other(instances, server_project):
    one, other = instances
    user = seed_user(server_project)
    token = get_token(one, user)
    assert call(one, token, "/logout", "POST") == 200
    assert call(other, token) == 401
    for command in (["auth", "revoke"], ["users", "deactivate"]):
        token = get_token(one, user)
        assert call(other, token) == 200
        run([".venv/bin/flask", *command, user["email"]], server_project)
        assert (call(one, token), call(other, token)) == (401, 401)


def test_instances_count_refused_logins_together(instances):
    attempt = {"email": "user@example.com", "password": WRONG_PASSWORD}
    statuses = [log_in(instances[n % 2], attempt).status_code for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2


# --- SQLite -------------------------------------------------------------------

MANY_WORKERS = {"WEB_CONCURRENCY": "4", "WEB_THREADS": "8"}


# Clients of many networks, as a proxy tells them apart, log in more often than people do.
MANY_CLIENTS = {"FLASK_PROXY_COUNT": "1", "FLASK_RATELIMIT_ENABLED": "false"}


def make_logins(uri, user, count):
    """Return logins of 64 users in turn, each from a network of its own.

    One account, or one network, may hold a quarter of the queue of hashes only.
    """
    engine = create_engine(uri, poolclass=NullPool)
    with engine.begin() as connection:
        users = Table("auth_user", MetaData(), autoload_with=connection)
        row = dict(connection.execute(select(users)).mappings().first())
        del row["id"]
        emails = [f"{secrets.token_hex(8)}@example.com" for _ in range(64)]
        new = [{**row, "email": e, "fs_uniquifier": e, "login_count": 0} for e in emails]
        connection.execute(users.insert(), new)
    logins = [
        post("/login", {**user, "email": email}, f"10.0.0.{n}") for n, email in enumerate(emails)
    ]
    return list(itertools.islice(itertools.cycle(logins), count))


def sqlite_uri(project):
    return f"sqlite:///{project}/instance/app.db"


def log_in_with_64_clients(base, project, count):
    logins = make_logins(sqlite_uri(project), seed_user(project), count)
    return asyncio.run(send_all(base.port, logins, 64)).counts


@contextlib.contextmanager
def hold_write_lock(project, seconds):
    """Hold SQLite's write lock from another process, from now on."""
    code = "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    code += "c.execute('BEGIN IMMEDIATE'); print(flush=True); time.sleep(float(sys.argv[2]))"
    file = project / "instance/app.db"
    command = [sys.executable, "-c", code, file, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield


def count_logins(project, file="app.db"):
    with contextlib.closing(sqlite3.connect(project / "instance" / file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT sum(login_count) FROM auth_user").fetchone()[0]


def test_sqlite_takes_1500_logins_of_64_clients_and_counts_each(project, serve):
    base = serve(project, "serve", **MANY_WORKERS, **MANY_CLIENTS)
    assert log_in_with_64_clients(base, project, 1500) == {200: 1500}
    assert count_logins(project) == 1500
    logins = make_logins(sqlite_uri(project), seed_user(project), 1500)
    with hold_write_lock(project, 8):
        assert asyncio.run(send_all(base.port, logins, 64)).counts == {200: 1500}
    assert count_logins(project) == 3000


def test_sqlite_that_does_not_wait_for_its_lock_would_fail(project, serve):
    no_timeout = '{"connect_args": {"timeout": 0}}'
    changes = {"FLASK_SQLALCHEMY_ENGINE_OPTIONS": no_timeout, **MANY_WORKERS, **MANY_CLIENTS}
    base = serve(project, "serve", **changes)
    logins = make_logins(sqlite_uri(project), seed_user(project), 200)
    with hold_write_lock(project, 8):
        counts = asyncio.run(send_all(base.port, logins, 64)).counts
    assert counts[503] > 0
    assert count_logins(project) == counts[200]


def test_backup_of_a_busy_sqlite_is_whole(project, serve):
    base = serve(project, "serve", **MANY_CLIENTS)
    logins = make_logins(sqlite_uri(project), seed_user(project), 200)
    back_up = partial(run, [".venv/bin/flask", "db-backup"], project)
    counts = asyncio.run(send_during_fault(base, logins, 8, back_up))
    assert counts == {200: 200}
    (backup,) = project.glob("instance/backup-*.db")
    assert 0 < count_logins(project, backup.name) < 200


# --- Many logins at the same time ---------------------------------------------


def get_memory(base):
    """Return the resident memory of a server and its workers, in MiB."""
    return sum(get_resident_memory(pid) for pid in base.processes)


def get_resident_memory(pid):
    with contextlib.suppress(FileNotFoundError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0


@contextlib.contextmanager
def monitor(base):
    """Check the health twice a second in another thread, and record the peak of memory."""
    health, peak, done = Results(), [0.0], threading.Event()

    async def check_health():
        while not done.is_set():
            await send(base.port, get("/healthz"), health)
            peak[0] = max(peak[0], get_memory(base))
            await asyncio.sleep(0.5)

    thread = threading.Thread(target=asyncio.run, args=[check_health()])
    thread.start()
    try:
        yield health, peak
    finally:
        done.set()
        thread.join()


SEND_LOGINS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from load import send_at_once

logins = [login.encode("latin-1") for login in json.load(open(sys.argv[3]))]
print(json.dumps(send_at_once(int(sys.argv[2]), logins, seconds=300)))
"""


def test_of_10000_logins_at_once_none_is_dropped(project, serve):
    base = serve(project, "serve", **MANY_CLIENTS)
    assert log_in_with_64_clients(base, project, 200).keys() <= {200, 429, 503}
    memory = get_memory(base)
    logins = make_logins(sqlite_uri(project), seed_user(project), 10_000)
    file = project / "logins.json"
    file.write_text(json.dumps([login.decode("latin-1") for login in logins]))

    def measure_slowest_health_check():
        command = [sys.executable, "-c", SEND_LOGINS, Path(__file__).parent, base.port, file]
        with monitor(base) as (health, peak):
            counts = json.loads(run(command, project).stdout)
        assert counts.keys() <= {"200", "429", "503"}
        assert sum(counts.values()) == 10_000
        assert health.counts.keys() == {200}
        assert peak[0] < 2 * memory
        return max(health.seconds)

    # Other programs on the machine may disturb one measurement, but not three.
    assert any(measure_slowest_health_check() < 5 for _ in range(3))


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_logins_of_one_account_keep_nobody_else_out(project, serve, password):
    base = serve(project, "serve", FLASK_PROXY_COUNT="1")
    user = seed_user(project)
    others = make_logins(sqlite_uri(project), user, 20)
    attempt = user if password == "right" else {**user, "password": WRONG_PASSWORD}
    done = threading.Event()
    hostile = [post("/login", attempt, f"10.1.{n // 250}.{n % 250}") for n in range(2000)]
    endless = itertools.takewhile(lambda _: not done.is_set(), itertools.cycle(hostile))

    async def log_in_meanwhile():
        attacked = asyncio.create_task(send_all(base.port, endless, 64))
        served = await send_all(base.port, others, 1)
        done.set()
        return served.counts, (await attacked).counts

    served, attacked = asyncio.run(log_in_meanwhile())
    assert served == {200: 20}
    assert attacked.keys() <= {200, 401, 429}
    assert attacked[429] > attacked[200] + attacked[401]


# --- Faults -------------------------------------------------------------------


def has_50_answers(results):
    return results.counts.total() >= 50


async def send_during_fault(base, load, clients, fault, is_ready=has_50_answers):
    """Send the load, and cause the fault in the middle of it."""
    results = Results()
    answers = asyncio.create_task(send_all(base.port, load, clients, results=results))
    while not is_ready(results):
        await asyncio.sleep(0.01)
    await asyncio.to_thread(fault)
    return (await answers).counts


def test_worker_that_is_killed_is_replaced_and_loses_no_login(project, serve):
    base, user = serve(project, "serve", **MANY_CLIENTS), seed_user(project)
    calls = [get("/dummy-api/", get_token(base, user))] * 200
    killed, logins = base.workers[-1], make_logins(sqlite_uri(project), user, 300)
    kill = partial(os.kill, killed, signal.SIGKILL)
    counts = asyncio.run(send_during_fault(base, logins, 8, kill))
    assert counts.keys() <= {200, "closed", "ConnectionResetError"}
    assert counts.total() - counts[200] <= 8
    # And the login before. A login may be committed without an answer, never the reverse.
    assert count_logins(project) >= counts[200] + 1
    assert asyncio.run(send_all(base.port, calls, 16)).counts == {200: 200}
    assert wait_until(lambda: len(base.workers) == 2 and killed not in base.workers)


def test_reload_drops_no_request(project, serve):
    base = serve(project, "serve")
    load = [get("/dummy-api/", get_token(base, seed_user(project)))] * 2000
    before = base.workers
    reload = partial(os.kill, base.server, signal.SIGHUP)
    counts = asyncio.run(send_during_fault(base, load, 16, reload))
    assert counts == {200: 2000}
    assert wait_until(lambda: len(base.workers) == 2 and not set(before) & set(base.workers))


def count_accepted(port):
    """Return how many open connections to a port the server has accepted."""
    accepted = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if local.endswith(f":{port:04X}"):
            # The second queue of the listening socket: connections that are not accepted yet.
            waiting = int(queues.partition(":")[2], 16)
            accepted += {"01": 1, "0A": -waiting}.get(state, 0)
    return accepted


def test_stop_cuts_off_no_answer(project, serve):
    base = serve(project, "serve", **MANY_CLIENTS)
    user = seed_user(project)
    logins = make_logins(sqlite_uri(project), user, 100)
    call = get("/dummy-api/", get_token(base, user))
    load = [request for login in logins for request in (call, login)]

    def all_are_accepted(results):
        return count_accepted(base.port) + results.counts.total() >= 200

    stop = partial(os.kill, base.server, signal.SIGTERM)
    counts = asyncio.run(send_during_fault(base, load, 200, stop, all_are_accepted))
    assert counts.keys() <= {200, 503}
    assert counts.total() == 200
    assert counts[200] >= 100


class Service:
    """A server for one test, which can be killed and started again on the same port."""

    def __init__(self, command, user=None, port=None):
        self.command, self.user = command, user
        self.port = port or free_port()
        self.start()

    def start(self):
        command = [part.replace("PORT", str(self.port)) for part in self.command]
        no_output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, user=self.user, **no_output)
        assert wait_until(self.is_listening), f"{command} did not start"

    def is_listening(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        return False

    def signal(self, number):
        """Send a signal to the server and to its children, which have groups of their own."""
        found = ["pgrep", "-P", str(self.process.pid)]
        children = subprocess.run(found, capture_output=True).stdout.split()
        for pid in (self.process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        """Kill the server with SIGKILL."""
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


@pytest.mark.parametrize(("break_redis", "repair_redis"), FAULTS.values(), ids=FAULTS)
def test_without_its_redis_the_limit_holds_in_each_process(
    project, serve, redis, break_redis, repair_redis
):
    settings = {
        "FLASK_RATELIMIT_STORAGE_URI": redis.uri,
        "FLASK_LOGIN_RATE_LIMIT_PER_NETWORK": "999/hour",
    }
    base = serve(project, "serve", WEB_CONCURRENCY="1", **settings)
    emails = (f"user{n}@example.com" for n in itertools.count())

    def measure_slowest_answer_without_redis():
        assert wait_until(lambda: is_counted(redis, base, next(emails)))
        break_redis(redis)
        answers = make_12_attempts(base, next(emails))
        right = log_in(base, seed_user(project))
        repair_redis(redis)
        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
        assert right.status_code == 200
        return max(answer.elapsed.total_seconds() for answer in (*answers, right))

    # Other programs on the machine may disturb one measurement, but not three.
    assert any(measure_slowest_answer_without_redis() < 1 for _ in range(3))
    assert wait_until(lambda: is_counted(redis, base, next(emails)))


def make_12_attempts(base, email):
    return [log_in(base, {"email": email, "password": WRONG_PASSWORD}) for _ in range(12)]


def is_counted(redis, base, email):
    """Empty Redis, make an attempt, and return whether Redis has counted it."""

    def run_redis(command):
        command = ["redis-cli", "-p", str(redis.port), command]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    run_redis("flushall")
    assert log_in(base, {"email": email, "password": WRONG_PASSWORD}).status_code == 401
    return run_redis("dbsize") not in ("", "0")


def wait_until(condition):
    for _ in range(120):
        if condition():
            return True
        time.sleep(0.5)
    return False


@pytest.fixture
def postgres(tmp_path):
    """Return a PostgreSQL server for one test, without a password."""
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
        options = ["-D", f"{folder}/data", "-k", folder, "-h", "127.0.0.1", "-p", "PORT"]
        service = Service([str(found[-1] / "postgres"), *options], user)
        service.uri = f"postgresql+psycopg://postgres@127.0.0.1:{service.port}/postgres"
        assert wait_until(lambda: can_connect(service.uri))
        yield service
        service.kill()


def can_connect(uri):
    with contextlib.suppress(OperationalError), create_engine(uri).connect() as connection:
        return connection.scalar(text("SELECT 1")) == 1
    return False


def test_database_that_is_killed_under_load_loses_no_login(server_project, serve, postgres):
    user = seed_user(server_project)
    uri = {"FLASK_SQLALCHEMY_DATABASE_URI": postgres.uri}
    base = serve(server_project, "serve", **uri, **MANY_CLIENTS)
    token = get_token(base, user)

    def kill_and_start():
        postgres.kill()
        answers = [requests.get(f"{base}/readyz", timeout=20), log_in(base, user)]
        assert [answer.status_code for answer in answers] == [503, 503]
        assert {answer.headers["Content-Type"] for answer in answers} == {
            "application/problem+json"
        }
        assert call(base, token) == 503
        assert requests.get(f"{base}/healthz", timeout=20).status_code == 200
        postgres.start()

    load = make_logins(postgres.uri, user, 200)
    counts = asyncio.run(send_during_fault(base, load, 8, kill_and_start))
    assert counts.keys() == {200, 503}
    assert wait_until(lambda: can_connect(postgres.uri))
    assert (call(base, token), log_in(base, user).status_code) == (200, 200)
    with create_engine(postgres.uri).connect() as connection:
        counted = connection.scalar(text("SELECT sum(login_count) FROM auth_user"))
        sessions = connection.scalar(text("SELECT count(*) FROM auth_session"))
    # And the logins before and after. A login may be committed without an answer, never the
    # reverse.
    assert min(counted, sessions) >= counts[200] + 2


# --- PgBouncer ----------------------------------------------------------------


@pytest.fixture
def pgbouncer():
    """Return a PgBouncer with two connections to the server of TEST_POSTGRESQL_URI."""
    uri = os.environ.get(SERVERS["postgresql"])
    if not (uri and shutil.which("pgbouncer")):
        pytest.skip("there is no PostgreSQL server, or no pgbouncer")
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


def test_many_clients_share_the_two_connections_of_pgbouncer(server_project, serve, pgbouncer):
    page = (ROOT / "docs/scaling.md").read_text("utf-8")
    ((name, options),) = re.findall(r"(FLASK_SQLALCHEMY_ENGINE_OPTIONS)='(.*prepare.*)'", page)
    with new_database("postgresql") as direct:
        through = make_url(direct).set(host="127.0.0.1", port=pgbouncer.port)
        uri = through.render_as_string(hide_password=False)
        changes = {name: options, "FLASK_SQLALCHEMY_DATABASE_URI": uri, **MANY_CLIENTS}
        base = serve(server_project, "serve", **changes)
        user = seed_user(server_project)
        calls = [get("/dummy-api/", get_token(base, user))] * 9
        load = [r for login in make_logins(direct, user, 60) for r in (login, *calls)]
        # Not more clients than fit into the hash queue of one worker: no login is refused.

        assert asyncio.run(send_all(base.port, load, 8)).counts == {200: 600}
