"""What protects every page: keys, cookies, limits, CSRF, headers, access rules, error pages."""

from __future__ import annotations

from datetime import timedelta
from typing import IO

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    abort,
    render_template,
    request,
    send_from_directory,
)
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFError, CSRFProtect
from limits import parse_many
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from surveyapp import current, languages
from surveyapp.access import access, enforce
from surveyapp.languages import gettext, noted
from surveyapp.ledgers import staged
from surveyapp.settings import CHECKOUT, SettingFault, Settings

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# Referrers are never sent: the address of a respondent's page is a secret.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STATIC = frozenset({"static", "assets.file", "respond.image"})
LARGE = "ledgers.receive"
"""The route that takes files up to MAX_LEDGER_BYTES, streamed to the disk of raw identifiers."""
MAX_FORM_BYTES = 1_000_000
MAX_FORM_PARTS = 2_000

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)
assets = Blueprint("assets", __name__)

log_in_limit = limiter.limit(
    lambda: current.settings().text("LOG_IN_LIMIT"), methods=["POST"], scope="log-in"
)
"""Decorator for the log-in route: at most LOG_IN_LIMIT attempts an address."""

share_limit = limiter.limit(lambda: current.settings().text("SHARE_LIMIT"), scope="shared")
"""Decorator for shared reports: at most SHARE_LIMIT requests an address."""


def guesses_left() -> bool:
    """Counts a secret that nobody has; False when this address has tried too many of them.

    Only misses are counted, so people who share an address and have good links notice nothing.
    """
    limits = parse_many(current.settings().text("GUESS_LIMIT"))
    within = [limiter.limiter.hit(limit, "guess", get_remote_address()) for limit in limits]
    return all(within)


class StreamingRequest(Request):
    """A request whose large files never lie in memory, nor in the system's temporary folder."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        """Werkzeug's place for choosing where a file of a form goes."""
        if self.endpoint == LARGE:
            return staged.arriving(current.settings())
        return super()._get_file_stream(
            total_content_length, content_type, filename, content_length
        )


def protect(app: Flask, settings: Settings) -> None:
    """Set up everything that protects the app; before any route is registered.

    Raises
    ------
    SettingFault
        When one of the limits cannot be read; without them, guessing had no limit.
    """
    for name in ("LOG_IN_LIMIT", "GUESS_LIMIT", "SHARE_LIMIT"):
        try:
            parse_many(settings.text(name))
        except ValueError as error:
            raise SettingFault(f"{name}: {error}. Write it like '10 per minute'.") from None
    app.config.update(
        SECRET_KEY=settings.text("SECRET_KEY"),
        SESSION_COOKIE_NAME="surveyapp",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.flag("HTTPS"),
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=settings.flag("HTTPS"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.number("SESSION_HOURS")),
        MAX_CONTENT_LENGTH=settings.number("MAX_UPLOAD_BYTES"),
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        WTF_CSRF_TIME_LIMIT=None,
        # The strict check wants a referrer, which our own policy withholds.
        WTF_CSRF_SSL_STRICT=False,
    )
    proxies = settings.number("PROXIES")
    if proxies:
        trusted = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)
        app.wsgi_app = trusted  # type: ignore[method-assign]
    app.request_class = StreamingRequest
    app.before_request(_limit_form)
    app.before_request(_refuse_null)
    app.before_request(enforce)
    csrf.init_app(app)
    limiter.init_app(app)
    app.after_request(_headers)
    app.register_error_handler(HTTPException, _error_page)
    app.register_error_handler(CSRFError, _error_page)
    app.register_blueprint(assets)
    app.view_functions["static"] = access("anyone")(app.view_functions["static"])


@assets.get("/assets/<path:name>")
@access("anyone")
def file(name: str) -> Response:
    """A stylesheet or font that pages and reports share."""
    return send_from_directory(CHECKOUT / "analysis" / "rendering" / "static", name)


def _limit_form() -> None:
    """Werkzeug bounds only the fields of multipart forms; bound plain ones as well."""
    if request.mimetype == "application/x-www-form-urlencoded":
        request.max_content_length = MAX_FORM_BYTES
    elif request.endpoint == LARGE:
        request.max_content_length = current.settings().number("MAX_LEDGER_BYTES")


def _refuse_null() -> None:
    """No id or token holds a null character, and PostgreSQL cannot even look for one."""
    if "\x00" in request.path:
        abort(404)


def _headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.endpoint not in STATIC or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response


ERRORS = {
    400: (
        noted("This request could not be read"),
        noted("Go back, reload the page and try again."),
    ),
    403: (
        noted("You may not open this page"),
        noted("Your role does not include it. Ask an administrator."),
    ),
    404: (
        noted("There is no such page"),
        noted("Check the address; perhaps a part of it was cut off."),
    ),
    405: (
        noted("This address cannot be used like that"),
        noted("Go back and use the buttons of the page."),
    ),
    413: (noted("That is too large"), noted("Send a smaller file or a shorter text.")),
    429: (noted("Too many attempts"), noted("Wait a minute, then try again.")),
    500: (
        noted("Something went wrong on our side"),
        noted("What you sent earlier is kept. Try again soon."),
    ),
}
OTHER_ERROR = noted("Go back and try again.")
OPEN_TOO_LONG = (
    noted("This page has been open for too long"),
    noted("Go back, reload the page and send it again."),
)


def _error_page(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if 300 <= code < 400 or error.response is not None:
        return error.get_response()
    title, advice = ERRORS.get(code, (error.name, OTHER_ERROR))
    if isinstance(error, CSRFError):
        title, advice = OPEN_TOO_LONG
    language = "en"
    if request.blueprint in (None, "respond"):
        language = languages.wanted_of_shipped()
    languages.speak(language)
    page = render_template(
        "errors/error.html",
        title=gettext(title),
        advice=gettext(advice),
        code=code,
        language=language,
        direction=languages.direction(language),
    )
    return page, code
