"""Every setting once: name, default and help. ``docs/operations.md`` lists them.

A value comes from the environment (``SURVEYAPP_<NAME>``), else from ``config.json`` in the
instance folder, else it is the default.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent
_HEX_SECRET = re.compile(r"([0-9a-fA-F]{2}){16,}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; ``default`` also gives its type.

    ``secret`` ones are made by ``init``; they and ``hidden`` ones are never shown.
    """

    name: str
    default: str | int | bool
    help: str
    secret: bool = False
    hidden: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("DATABASE_URL", "", "Address of the database; empty: SQLite in the instance folder."),
    Setting("FILES", "", "Folder of archives, ledger and runs; empty: 'files' in the instance."),
    Setting("RAW_FILES", "", "Folder of raw customer identifiers; empty: 'raw' in the instance."),
    Setting("KEEP_IDENTIFIERS", False, "Keep which identifier each pseudonym stands for."),
    Setting("LEDGER_MEMORY", "2GB", "Most memory that loading a ledger takes."),
    Setting("BASE_URL", "http://127.0.0.1:8000", "Address under which people reach the app."),
    Setting("SECRET_KEY", "", "Signs cookies and forms; made by 'surveyapp init'.", secret=True),
    Setting("CUSTOMER_KEY", "", "Key of the customer pseudonyms; never change it.", secret=True),
    Setting("HTTPS", False, "True behind HTTPS: cookies are then sent over HTTPS only."),
    Setting("PROXIES", 0, "How many trusted proxies stand before the app."),
    Setting("MAX_UPLOAD_BYTES", 5_000_000, "Largest request the app accepts, ledger files apart."),
    Setting("MAX_LEDGER_BYTES", 500_000_000, "Largest file that staff may upload into a ledger."),
    Setting("SESSION_HOURS", 12, "Hours after which staff must log in again."),
    Setting("LOG_IN_LIMIT", "10 per minute; 60 per hour", "Log-in attempts allowed per address."),
    Setting("GUESS_LIMIT", "30 per minute", "Links that do not exist, tried from one address."),
    Setting("SHARE_LIMIT", "60 per minute", "Requests of shared reports from one address."),
    Setting(
        "TIME_ZONE",
        "UTC",
        "Time zone of the days of links, unless another is stated, and of answers.",
    ),
    Setting("SCORES_EVERY", "", "Rescoring by the worker: daily, weekly or monthly; empty: never."),
    Setting("SCORES_PLAN", "", 'Scoring options as JSON, such as {"latest_weight": 1.5}.'),
    Setting("SCORES_ENGINE", "duckdb", "Engine of the scores: duckdb or spark."),
    Setting("MAIL_HOST", "", "Mail server (SMTP) for invitations; empty: none are sent."),
    Setting("MAIL_PORT", 587, "Port of the mail server."),
    Setting(
        "MAIL_SECURITY",
        "starttls",
        "starttls, tls (from the first byte on, port 465) or none (a server on this machine).",
    ),
    Setting("MAIL_USER", "", "Log-in name at the mail server; empty: no log-in."),
    Setting("MAIL_PASSWORD", "", "Password at the mail server.", hidden=True),
    Setting("MAIL_PASSWORD_FILE", "", "File that holds the password instead."),
    Setting("MAIL_FROM", "", "Sender, as 'Our shop <surveys@example.org>'."),
    Setting("MAIL_REPLY_TO", "", "Address for replies; empty: the sender's."),
    Setting("MAIL_PER_MINUTE", 60, "Most mails sent in a minute."),
    Setting(
        "INVITE_EVERY_DAYS",
        30,
        "A customer is invited once in so many days, across studies; 0: no limit.",
    ),
    Setting("LEASE_SECONDS", 60, "A job whose worker is silent for so long is started again."),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one installation."""

    instance: Path
    values: Mapping[str, str | int | bool]

    @property
    def database_url(self) -> str:
        """Address of the database."""
        default = f"sqlite:///{(self.instance / 'surveyapp.sqlite').as_posix()}"
        return str(self.values["DATABASE_URL"]) or default

    @property
    def files(self) -> Path:
        """Folder of archives, ledger and runs."""
        return Path(str(self.values["FILES"]) or self.instance / "files")

    @property
    def raw_files(self) -> Path:
        """Folder of raw customer identifiers and staged files."""
        return Path(str(self.values["RAW_FILES"]) or self.instance / "raw")

    @property
    def customer_key(self) -> bytes:
        """Key of the customer pseudonyms."""
        return bytes.fromhex(str(self.values["CUSTOMER_KEY"]))

    def text(self, name: str) -> str:
        """A setting as text."""
        return str(self.values[name])

    def number(self, name: str) -> int:
        """A setting as a whole number."""
        return int(self.values[name])

    def flag(self, name: str) -> bool:
        """A setting as true or false."""
        return bool(self.values[name])


class SettingFault(ValueError):
    """A setting that cannot be used; the message says which, why and what to do."""


def default_instance() -> Path:
    """The instance folder: SURVEYAPP_INSTANCE, else the checkout's, else ./instance."""
    named = os.environ.get("SURVEYAPP_INSTANCE")
    if named:
        return Path(named).absolute()
    root = CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else Path.cwd()
    return (root / "instance").absolute()


def read_settings(instance: Path | None = None) -> Settings:
    """Read the settings of an installation; secrets are made and kept at the first call.

    Raises
    ------
    SettingFault
        When a value has the wrong type, a secret is missing, or the file has a setting that does
        not exist.
    """
    folder = instance or default_instance()
    stored = _stored(folder)
    unknown = sorted(set(stored) - {setting.name for setting in SETTINGS})
    if unknown:
        raise SettingFault(f"{folder / 'config.json'}: unknown settings {', '.join(unknown)}")
    values: dict[str, str | int | bool] = {}
    for setting in SETTINGS:
        raw = os.environ.get(f"SURVEYAPP_{setting.name}", stored.get(setting.name))
        values[setting.name] = setting.default if raw is None else _typed(setting, raw)
        if setting.secret and not _HEX_SECRET.fullmatch(str(values[setting.name])):
            raise SettingFault(
                f"{setting.name} is missing, or not 32 or more hexadecimal digits. Put the one of "
                f"your backup into {folder / 'config.json'}; an installation without any answers "
                "may remove that file, and gets new secrets."
            )
    return Settings(folder, values)


def _stored(folder: Path) -> dict[str, str | int | bool]:
    path = folder / "config.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = {s.name: secrets.token_hex(32) for s in SETTINGS if s.secret}
        # Written aside and linked: of several processes that start at once, one wins whole.
        aside = folder / f".config-{secrets.token_hex(4)}"
        aside.write_text(json.dumps(made, indent=2) + "\n")
        aside.chmod(0o600)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    try:
        found: dict[str, str | int | bool] = json.loads(path.read_text())
    except ValueError as error:
        raise SettingFault(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise SettingFault(f'{path} holds no settings. Write {{"NAME": value, ...}}.')
    return found


def _typed(setting: Setting, raw: str | int | bool) -> str | int | bool:
    text = str(raw).strip()
    if isinstance(setting.default, bool):
        if text.lower() in ("true", "1", "yes"):
            return True
        if text.lower() in ("false", "0", "no", ""):
            return False
        raise SettingFault(f"{setting.name} is '{text}'; use true or false")
    if isinstance(setting.default, int):
        try:
            return int(text)
        except ValueError:
            raise SettingFault(f"{setting.name} is '{text}'; use a whole number") from None
    return text
