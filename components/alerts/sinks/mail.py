"""Email by SMTP."""

import json
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from components.alerts.config import AlertsConfig
from components.alerts.message import OPENED, RESOLVED, Message
from components.alerts.sinks.sink import TIMEOUT_S, secret_of
from components.sinks import SinkFailed, said_of_connection

_LONGEST_SUBJECT: Final = 200
_DOMAIN: Final = "tens-insight.invalid"
"""Of message ids, which must be the same from whatever machine an alert is told."""


class Mail:
    """Sends an email for each message.

    Args:
        config: With server, login and addresses.
    """

    name = "email"
    forgets = False

    def __init__(self, config: AlertsConfig):
        self._config = config

    def send(self, message: Message) -> None:
        """Sends it."""
        config = self._config
        password = secret_of(config.alert_smtp_password, config.alert_smtp_password_file)
        try:
            with self._connected() as server:
                if config.alert_smtp_user:
                    server.login(config.alert_smtp_user, password)
                refused = server.send_message(mail_of(message, config))
        except smtplib.SMTPException as error:
            raise _failure(error) from None
        except (OSError, ValueError) as error:
            raise SinkFailed(said_of_connection(error, TIMEOUT_S)) from None
        if refused:
            raise SinkFailed(
                f"the server took the message for some addresses, and refused {len(refused)} of "
                f"{len(config.alert_email_to)}",
                alive=True,
            )

    def refresh(self, standing: Sequence[Message]) -> None:
        """Says nothing: people read it."""

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        host, port = config.alert_smtp_host, config.alert_smtp_port
        # Named, because asking for the full name may wait for a name server.
        here, context = socket.gethostname(), ssl.create_default_context()
        if config.alert_smtp_security == "tls":
            return smtplib.SMTP_SSL(
                host, port, local_hostname=here, timeout=TIMEOUT_S, context=context
            )
        server = smtplib.SMTP(host, port, local_hostname=here, timeout=TIMEOUT_S)
        if config.alert_smtp_security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


def mail_of(message: Message, config: AlertsConfig) -> EmailMessage:
    """Returns a message as an email; its id is the same each time that it is sent."""
    alert, mail = message.alert, EmailMessage()
    subject = "".join(one if one.isprintable() else " " for one in message.head)
    mail["Subject"] = subject[:_LONGEST_SUBJECT]
    mail["From"] = config.alert_email_from
    mail["To"] = ", ".join(config.alert_email_to)
    ended = alert.resolved_at if message.event == RESOLVED else None
    mail["Date"] = format_datetime(ended or alert.first_seen)
    mail["Message-ID"] = f"<{message.key}@{_DOMAIN}>"
    if message.event == RESOLVED:
        mail["In-Reply-To"] = f"<{alert.alert_id}-{OPENED}@{_DOMAIN}>"
    mail["Idempotency-Key"] = message.key
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(
        f"{alert.sentence}\n\n{message.meaning}\nWhat to do: {message.runbook}\n\n"
        + json.dumps(message.as_json(), indent=1, ensure_ascii=False)
    )
    return mail


def _failure(error: smtplib.SMTPException) -> SinkFailed:
    """Says what failed without the server's words, which may repeat the login."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return SinkFailed(f"the server refused the login ({error.smtp_code})")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        named = ", ".join(map(str, codes))
        return SinkFailed(f"the server refused every address ({named})", alive=True)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return SinkFailed("the server closed the connection")
    if isinstance(error, smtplib.SMTPResponseException):
        return SinkFailed(f"the server answered {error.smtp_code}")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return SinkFailed("the server offers no TLS, no login, or not what a name needs")
    return SinkFailed(f"SMTP failed ({type(error).__name__})")
