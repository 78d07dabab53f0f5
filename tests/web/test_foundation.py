"""Sessions, CSRF tokens, rights, headers and addresses. Called without a browser."""

import re
import secrets
import socket
from urllib.parse import quote

import httpx2
import pytest

from casework import events
from casework.api.app import TRIES_PER_MINUTE
from casework.core.model import DEFAULT_TEAM
from casework.core.roles import RIGHTS, Role
from casework.service import keys, web_sessions
from casework.web.pages import PAGES
from databases import empty
from patience import wait_for
from web.conftest import Site

ALL = [page for pages in PAGES for page in pages.found]


def named(page):
    return f"{page.method} {page.path}"


class Caller:
    """Somebody with a session, or without one."""

    def __init__(self, address, cookie="", token=""):
        # No TLS here; to load its certificates takes longer than a call.
        self.client = httpx2.Client(base_url=address, cookies={cookie: token} if token else {}, verify=False)
        self.csrf = ""
        if token:
            self.csrf = re.search(r'name="csrf" value="(\w+)"', self.get("/").text)[1]

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, csrf=None, **fields):
        return self.client.post(path, data={"csrf": self.csrf if csrf is None else csrf, **fields})


def knock(site, method, path, data=None, **headers):
    """Call without a session, from an address of its own: tries are counted by address."""
    headers = {"x-forwarded-for": f"192.0.2.{secrets.randbelow(250)}", **headers}
    return httpx2.request(method, site.address + path, data=data, headers=headers, verify=False)


@pytest.fixture
def site(address, installation):
    """The pages, for callers without a browser."""
    empty(installation.db)
    return Site(address, installation, browser=None)


@pytest.fixture
def as_role(site):
    """A caller who is signed in with a key of that role; without one, nobody."""

    made = []

    def make(role=None):
        token = web_sessions.sign_in(site.casework.db, site.token(role), "Ada") if role else ""
        made.append(Caller(site.address, site.cookie, token))
        return made[-1]

    yield make
    for caller in made:
        caller.client.close()


def path_of(page):
    return re.sub(r"{\w+(:\w+)?}", "00000000-0000-7000-8000-00000000dead", page.path)


@pytest.mark.parametrize("page", ALL, ids=named)
def test_needs_a_session(page, as_role):
    answer = as_role().client.request(page.method, path_of(page), data={"a": "b"} if page.method == "POST" else None)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AGENT])
@pytest.mark.parametrize("page", ALL, ids=named)
def test_right_is_checked_by_the_table_of_the_api(page, role, as_role):
    caller = as_role(role)
    answer = caller.post(path_of(page)) if page.method == "POST" else caller.get(path_of(page))
    if page.right in RIGHTS[role]:
        assert answer.status_code in (200, 303, 400, 404, 409), answer.text
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("page", [page for page in ALL if page.method == "POST"], ids=named)
@pytest.mark.parametrize("csrf", ["", "0" * 64, "ä"])
def test_act_without_the_token_of_the_session_is_refused(page, csrf, as_role):
    assert as_role(Role.ADMIN).post(path_of(page), csrf=csrf).status_code == 403


def test_token_of_another_session_is_refused(as_role):
    assert as_role(Role.ADMIN).post("/sign-out", csrf=as_role(Role.ADMIN).csrf).status_code == 403


def test_form_is_not_read_as_json(as_role):
    caller = as_role(Role.ADMIN)
    assert caller.client.post("/sign-out", json={"csrf": caller.csrf}).status_code == 400


def test_pages_run_nothing_from_elsewhere(as_role):
    answer = as_role(Role.ADMIN).get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script>|<style|\son\w+=|style=|https?://(?!127\.0\.0\.1)(?!www\.w3\.org)", answer.text)


@pytest.mark.parametrize(
    ("next", "leads_to"),
    [
        ("/inbox", "/inbox"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\tx", "/"),
    ],
)
def test_signing_in_leads_to_no_other_site(site, next, leads_to):
    answer = knock(site, "POST", "/sign-in", {"key": site.token(), "next": next})
    assert answer.status_code == 303
    assert answer.headers["location"] == leads_to


def test_cookie_is_hidden_from_scripts_and_other_sites(site):
    cookie = knock(site, "POST", "/sign-in", {"key": site.token()}).headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie


def test_cookie_is_for_tls_only_behind_a_proxy_that_speaks_tls(site):
    answer = knock(site, "POST", "/sign-in", {"key": site.token()}, **{"x-forwarded-proto": "https"})
    cookie = answer.headers["set-cookie"]
    assert "Secure" in cookie


def test_form_of_another_site_does_not_sign_in(site):
    answer = knock(site, "POST", "/sign-in", {"key": site.token()}, **{"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("key", ["", "cw_x", "cw_0123456789abcdef_" + "a" * 43])
def test_bad_key_does_not_sign_in(site, key):
    answer = knock(site, "POST", "/sign-in", {"key": key})
    assert answer.status_code == 401
    assert "not valid" in answer.text and "set-cookie" not in answer.headers


def test_link_signs_in_once(site):
    key, _ = keys.create(site.casework.db, DEFAULT_TEAM, "k", Role.ADMIN)
    token = web_sessions.make_link(site.casework.db, DEFAULT_TEAM, key.id)
    path = f"/sign-in/{token}"
    assert knock(site, "GET", path, **{"sec-purpose": "prefetch"}).status_code == 503
    assert knock(site, "GET", path).status_code == 303
    again = knock(site, "GET", path)
    assert again.status_code == 401 and "used already" in again.text


def test_session_ends_with_its_key(site, as_role):
    caller = as_role(Role.OPERATOR)
    for key in keys.find(site.casework.db, DEFAULT_TEAM):
        keys.revoke(site.casework.db, DEFAULT_TEAM, key.id)
    assert caller.get("/").status_code == 303
    assert caller.get("/", headers={"casework-part": "list"}).status_code == 401
    assert caller.get("/events?topics=requests").status_code == 204


def test_sign_out_ends_the_session_on_the_server(as_role):
    caller = as_role(Role.READER)
    kept = dict(caller.client.cookies)
    assert caller.post("/sign-out").status_code == 303
    caller.client.cookies.update(kept)
    assert caller.get("/").status_code == 303


def test_key_of_an_agent_does_not_sign_in(site):
    pull = site.agent_key()
    answer = knock(site, "POST", "/sign-in", {"key": pull})
    assert answer.status_code == 401 and "for an agent" in answer.text


@pytest.mark.parametrize("prefix", ["/tools/casework", ""])
def test_addresses_have_the_prefix_of_the_proxy(site, as_role, prefix):
    answer = as_role(Role.ADMIN).get("/", headers={"x-forwarded-prefix": prefix} if prefix else {})
    addresses = re.findall(r' (?:href|src|action)="([^"#]+)"', answer.text)
    assert len(addresses) > 10
    assert all(address.startswith(f"{prefix}/") for address in addresses)


@pytest.mark.parametrize("prefix", ['/"><script>', "//evil.example", "evil", "/a b"])
def test_prefix_that_is_no_path_is_ignored(as_role, prefix):
    answer = as_role(Role.ADMIN).get("/", headers={"x-forwarded-prefix": prefix})
    assert prefix not in answer.text and quote(prefix) not in answer.text


def test_files_are_kept_by_their_content(site, as_role):
    page = as_role(Role.ADMIN).get("/").text
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    sizes = {path: httpx2.get(site.address + path) for path in set(paths)}
    assert all("immutable" in answer.headers["cache-control"] for answer in sizes.values())
    transferred = sum(answer.num_bytes_downloaded for answer in sizes.values()) + len(page)
    assert transferred < 120_000
    other = re.sub(r"/static/\w+/", "/static/000000000000/", paths[0])
    assert "immutable" not in httpx2.get(site.address + other).headers["cache-control"]


def test_file_outside_of_the_folder_is_not_served(site):
    for path in ("/static/x/../../web/face.py", "/static/x/%2e%2e/face.py", "/static/x/js/nothing.js"):
        assert httpx2.get(site.address + path).status_code == 404


def test_unknown_topic_is_refused(as_role):
    assert as_role(Role.READER).get("/events?topics=everything").status_code == 400


def test_tries_to_sign_in_are_limited(site):
    found = {
        knock(site, "POST", "/sign-in", {"key": "cw_x"}, **{"x-forwarded-for": "198.51.100.7"}).status_code
        for _ in range(TRIES_PER_MINUTE + 1)
    }
    assert found == {401, 429}


def test_wrong_method_is_told_the_right_one(as_role):
    answer = as_role(Role.ADMIN).get("/sign-out")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/cases/act/run", 405)])
def test_browser_gets_a_page_where_there_is_none(site, method, path, status):
    answer = knock(site, method, path, accept="text/html,*/*")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-frame-options"] == "DENY"
    assert path in answer.text and 'href="/"' in answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/v1/nowhere"])
def test_program_gets_json_where_there_is_nothing(site, path):
    accept = "text/html" if path.startswith("/v1/") else "*/*"
    answer = knock(site, "GET", path, accept=accept)
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"


def test_page_without_an_address_escapes_it(site):
    answer = knock(site, "GET", "/%3Cscript%3Ealert(1)%3C/script%3E", accept="text/html")
    assert "<script>alert" not in answer.text


@pytest.fixture
def served():
    """The requests that were served."""
    seen = []

    def note(event):
        if isinstance(event, events.RequestServed):
            seen.append(event)

    events.subscribe(note)
    yield seen
    events.unsubscribe(note)


def test_sender_who_leaves_before_the_form_ends_is_no_error(site, served, caplog):
    head = "POST /theme HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 99\r\n\r\n"
    with socket.create_connection(site.address.removeprefix("http://").split(":")) as connection:
        connection.sendall(f"{head}theme=".encode())
    wait_for(lambda: [event for event in served if event.path == "/theme"], "the end of the request")
    assert not [record for record in caplog.records if record.message == "http.error"]
