"""The pages and HTTP Basic in headless Chromium. Screenshots are in .cache/screenshots."""

import json
import shutil
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
from conftest import ROOT, seed_user
from playwright.sync_api import expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
OPTIONS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
    --disable-background-networking --disable-component-update
""".split()
SCREENSHOTS = ROOT / ".cache" / "screenshots"
ITEMS = {"items": {"Key1": "Value1", "Key2": "value2"}}

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium: apt-get install chromium"),
]


@dataclass
class PageLog:
    """The URLs that a page requested, and the errors in the browser's console."""

    urls: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def add(self, message):
        # The console also has each refusal of the API: that is not an error of the page.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.errors.append(message.text)

    def assert_own_files_only_and_no_error(self, base):
        assert self.errors == []
        assert {url for url in self.urls if not url.startswith((f"{base}/", "data:"))} == set()


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Return a function that opens a URL and returns the page and its log."""
    context = chromium.new_context(viewport={"width": 1000, "height": 1150})
    context.set_default_timeout(20_000)

    def open_page(url):
        page, log = context.new_page(), PageLog()
        page.on("request", lambda request: log.urls.append(request.url))
        page.on("console", log.add)
        page.on("pageerror", lambda error: log.errors.append(str(error)))
        page.goto(url)
        return page, log

    yield open_page
    assert context.cookies() == []
    context.close()


def save_screenshot(element, name, **options):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    element.screenshot(path=SCREENSHOTS / f"{name}.png", **options)


def test_start_page_gives_a_token_and_calls_the_api_with_it(bake, installed, serve, open_page):
    project = installed(bake())
    base = serve(project)
    user = seed_user(project)
    page, log = open_page(base)
    expect(page.get_by_role("heading", level=1)).to_have_text("Token Auth API")

    page.get_by_label("E-mail address").fill(user["email"])
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Get a token").click()
    expect(page.locator("#refusal")).to_contain_text("401 UNAUTHORIZED")
    expect(page.get_by_label("Token", exact=True)).to_have_value("")

    page.get_by_label("Password").fill(user["password"])
    page.keyboard.press("Enter")
    expect(page.get_by_label("Token", exact=True)).not_to_have_value("")
    expect(page.locator("#refusal")).to_be_empty()
    expect(page.get_by_label("Password")).to_have_value("")
    page.get_by_role("button", name="Call it").click()
    expect(page.locator("#answer")).to_contain_text("200 OK")
    assert json.loads(page.locator("#answer").inner_text().partition("\n")[2]) == ITEMS
    save_screenshot(page, "start", full_page=True)

    page.get_by_label("Token", exact=True).fill("spoiled")
    page.get_by_role("button", name="Call it").click()
    expect(page.locator("#answer")).to_contain_text("401 UNAUTHORIZED")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    log.assert_own_files_only_and_no_error(base)


def call(page, operation, body=None):
    """Try an operation in Swagger UI; return the status and the answer that it shows."""
    block = page.locator(f"#{operation}")
    block.locator(".opblock-summary-control").first.click()
    block.get_by_role("button", name="Try it out").click()
    if body:
        block.locator("textarea.body-param__text").fill(json.dumps(body))
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    status = answer.locator(".response-col_status").inner_text()
    return int(status.split()[0]), json.loads(answer.locator(".microlight").first.inner_text())


def test_api_reference_can_log_in_authorize_and_call(bake, installed, serve, open_page):
    project = installed(bake())
    base = serve(project)
    page, log = open_page(f"{base}/docs")
    expect(page.locator(".info .title")).to_contain_text("Token Auth API")
    status, answer = call(page, "operations-security-login", seed_user(project))
    assert status == 200

    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.get_by_label("Value").first.fill(answer["response"]["user"]["authentication_token"])
    dialog.get_by_role("button", name="Apply").first.click()
    dialog.get_by_role("button", name="Close").first.click()
    assert call(page, "operations-dummy-dummy") == (200, ITEMS)
    save_screenshot(page.locator("#operations-dummy-dummy"), "docs")
    log.assert_own_files_only_and_no_error(base)


@pytest.fixture
def with_basic(bake, installed, serve):
    """Return the URL of a server with HTTP Basic, and its seed user."""
    project = installed(bake())
    return serve(project, FLASK_HTTP_BASIC_AUTH="true"), seed_user(project)


def test_credentials_that_chromium_sends_open_the_endpoint(with_basic, open_page):
    base, user = with_basic
    credentials = f"{quote(user['email'])}:{quote(user['password'])}@"
    page, _ = open_page(f"{base}/dummy-api/".replace("//", f"//{credentials}", 1))
    assert json.loads(page.inner_text("pre")) == ITEMS
    save_screenshot(page, "basic")


def test_chromium_asks_again_after_a_wrong_password(with_basic, open_page):
    base, user = with_basic
    page, _ = open_page("about:blank")
    passwords = iter(["a wrong password", user["password"]])
    challenges = []

    def enter(event):
        challenges.append(event["authChallenge"])
        credentials = {"username": user["email"], "password": next(passwords)}
        answer = {"response": "ProvideCredentials", **credentials}
        prompt.send(
            "Fetch.continueWithAuth",
            {"requestId": event["requestId"], "authChallengeResponse": answer},
        )

    prompt = page.context.new_cdp_session(page)
    prompt.on("Fetch.authRequired", enter)
    prompt.on(
        "Fetch.requestPaused",
        lambda event: prompt.send("Fetch.continueRequest", {"requestId": event["requestId"]}),
    )
    prompt.send("Fetch.enable", {"handleAuthRequests": True})
    assert page.goto(f"{base}/dummy-api/").status == 200
    assert json.loads(page.inner_text("pre")) == ITEMS
    assert [(one["scheme"].lower(), one["realm"]) for one in challenges] == [
        ("basic", "Login Required"),
        ("basic", "Login Required"),
    ]
