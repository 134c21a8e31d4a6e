"""The pages of the service in a real browser, from a service that runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from axe import violations
from chromium import Browser
from service_site import Running, running
from test_pages import CONTRASTS

from grader.service.access import COOKIE
from grader.store.access import Who

pytestmark = pytest.mark.browser

STUDENT = ("ada", "student")
STAFF = ("A. Teacher", "staff")
SUBMISSION = "/me/submissions/s-ADACAAAAAAAA"
Page = tuple[str, tuple[str, str] | None]
PAGES: tuple[Page, ...] = (
    ("/sign-in", None),
    ("/sign-in?link=tl_x", None),
    ("/me", STUDENT),
    (SUBMISSION, STUDENT),
    ("/staff", STAFF),
    ("/staff/students", STAFF),
    ("/staff/students/ada", STAFF),
    ("/staff/regrades/fix-tensor", STAFF),
    ("/staff/overview", STAFF),  # test_overview_page.py looks closer at it
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture
def tab(page: Browser, service: Running) -> Iterator[Browser]:
    """Return the browser with nobody signed in."""
    page.send("Network.clearBrowserCookies")
    yield page
    page.send("Network.clearBrowserCookies")
    page.open("about:blank")  # nothing follows a service that ends


def sign_in(tab: Browser, service: Running, who: tuple[str, str] | None) -> None:
    tab.send("Network.clearBrowserCookies")
    if who:
        secret = service.session(*who)
        tab.send("Network.setCookie", name=COOKIE, value=secret, url=service.address)


def each(
    tab: Browser, service: Running, pages: Sequence[Page] = PAGES
) -> Iterator[str]:
    """Open one page after the other, signed in as it takes."""
    for path, who in pages:
        sign_in(tab, service, who)
        tab.open(service.address + path)
        yield path


def test_no_page_asks_anybody_else_or_keeps_anybody_out(
    tab: Browser, service: Running
) -> None:
    """One visit of each: requests, policy, contrast, and all that axe knows."""
    for path in each(tab, service):
        asked = {address.removeprefix(service.address) for address in tab.requests()}
        assert path in asked
        assert all(a.startswith(("/api/v1/submissions/", path)) for a in asked), path
        assert tab.complaints() == [], path

        assert violations(tab) == [], path
        seen, low = tab.evaluate(CONTRASTS)
        assert seen > 3
        assert low == [], path


@pytest.mark.parametrize("width", [320, 390])
def test_no_page_scrolls_sideways(tab: Browser, service: Running, width: int) -> None:
    tab.resize(width, mobile=True)
    for path in each(tab, service, PAGES[:-1]):
        tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

        assert tab.evaluate("document.documentElement.scrollWidth") == width, path


def test_text_stands_out_in_the_dark(tab: Browser, service: Running) -> None:
    tab.media(prefers_color_scheme="dark")
    for path in each(tab, service, PAGES[:-1]):
        seen, low = tab.evaluate(CONTRASTS)

        assert seen > 3
        assert low == [], path


def test_a_student_signs_in_with_the_keyboard_and_out_again(
    tab: Browser, service: Running
) -> None:
    token = service.site.store.access.issue("token", Who("student", "grace"))
    tab.open(service.address + "/me")
    assert tab.evaluate("location.pathname") == "/sign-in"

    tab.evaluate("document.querySelector('#token').focus()")
    tab.write(token)
    tab.press("Enter", 13, "\r")
    wait_for(tab, "location.pathname === '/me'")
    assert tab.evaluate("document.querySelector('h1').textContent") == "Grace Hopper"
    assert tab.evaluate("document.cookie") == ""

    tab.click("header button")
    wait_for(tab, "location.pathname === '/sign-in'")


def wait_for(tab: Browser, condition: str) -> None:
    """Wait until a condition holds on whatever page is there by then."""
    for _ in range(200):
        if tab.evaluate(f"document.readyState === 'complete' && ({condition})"):
            return
        tab.settle()
    pytest.fail(f"never became true: {condition}")


def test_my_page_changes_by_itself_when_a_result_is_there(
    tab: Browser, service: Running
) -> None:
    sign_in(tab, service, ("mary", "student"))
    tab.open(service.address + "/me")
    assert tab.evaluate("document.querySelector('.wait .place').textContent") == (
        "next in line"
    )

    job = service.site.store.jobs.lease_received("w")
    assert job
    wait_for(tab, "document.body.textContent.includes('is being graded')")
    service.site.store.jobs.release("w")
    wait_for(tab, "document.body.textContent.includes('next in line')")
    assert tab.complaints() == []


def test_without_script_a_page_that_waits_loads_itself_again(
    tab: Browser, service: Running
) -> None:
    sign_in(tab, service, STUDENT)
    tab.open(service.address + "/me", scripts=False)

    assert tab.evaluate(
        "document.querySelector('noscript meta') !== null"
        " || document.querySelector('noscript').textContent.includes('refresh')"
    )
    assert not any("/events" in address for address in tab.requests())


def test_the_bars_of_modules_are_seen(tab: Browser, service: Running) -> None:
    sign_in(tab, service, STUDENT)
    tab.open(service.address + "/me")

    sizes = tab.evaluate(
        "[...document.querySelectorAll('.parts svg rect.passed')]"
        ".map(r => r.getBoundingClientRect()).map(r => [r.width, r.height])"
    )
    assert len(sizes) == 5
    assert all(width > 20 and height > 5 for width, height in sizes)


def test_print_leaves_the_navigation_out(tab: Browser, service: Running) -> None:
    sign_in(tab, service, STUDENT)
    tab.resize(794)
    tab.open(service.address + "/me")
    tab.media(kind="print")

    assert tab.evaluate("document.querySelector('header').checkVisibility()") is False
    assert tab.evaluate("document.documentElement.scrollWidth") == 794


def test_what_is_hidden_is_not_seen(tab: Browser, service: Running) -> None:
    """A field for programs that keep passwords stands before the token's."""
    tab.open(f"{service.address}/sign-in")

    seen = "[...document.querySelectorAll('[hidden]')].map(e => e.offsetHeight)"
    assert tab.evaluate(seen) == [0]
