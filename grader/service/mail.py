"""Mails with one-time links, by the SMTP server of the school."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from grader.errors import ConfigError

VARIABLE: Final = "GRADER_SMTP"
FROM: Final = "GRADER_MAIL_FROM"
WAIT_S: Final = 20.0
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
HINT: Final = f"{VARIABLE}=smtps://USER:PASSWORD@HOST:465 or smtp://HOST:587"


@dataclass(frozen=True)
class Post:
    """What sends mails.

    Attributes:
        tls: from the first byte on; without it STARTTLS is used, which only a server
            on this very host may lack.
        sender: address in From.
    """

    host: str
    port: int
    sender: str
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self | None:
        """Return what the environment describes; None if it names no server.

        Raises:
            ConfigError: it is no address of a server, or no sender is named.
        """
        text = settings.get(VARIABLE, "")
        if not text:
            return None
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ConfigError(f"{VARIABLE} is no address", hint=HINT) from None
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ConfigError(f"{VARIABLE} is no address of a mail server", hint=HINT)
        sender = settings.get(FROM, "")
        if "@" not in sender or not sender.isprintable():
            raise ConfigError(
                "mails need a sender", hint=f"{FROM}=grader@school.example"
            )
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (465 if tls else 587),
            sender=sender,
            tls=tls,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    def send(self, to: str, subject: str, text: str) -> None:
        """Send one mail.

        Raises:
            OSError: the server cannot be reached or refuses; smtplib's errors are such.
            ValueError: the address is none that a mail can have.
        """
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, to, subject
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text)
        with self._opened() as server:
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)

    def _opened(self) -> smtplib.SMTP:
        secure = ssl.create_default_context()
        if self.tls:
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=WAIT_S, context=secure
            )
        server = smtplib.SMTP(self.host, self.port, timeout=WAIT_S)
        try:
            server.ehlo()
            if server.has_extn("starttls") or self.host not in LOOPBACK:
                server.starttls(context=secure)
        except BaseException:
            server.close()
            raise
        return server
