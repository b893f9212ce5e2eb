"""Each sink against a receiver: what arrives, what fails, and that no secret is said."""

import json
import re
import sys
import time
from datetime import datetime, timedelta, timezone

import pytest

from components.alerts.config import AlertsConfig
from components.alerts.delivery import attempt
from components.alerts.sinks.alertmanager import alert_json
from components.alerts.sinks.command import Command
from components.alerts.sinks.configured import SINKS, configured_sinks
from components.alerts.sinks.mail import Mail
from components.alerts.sinks.webhook import Webhook
from components.config import is_secret
from components.sinks import SinkFailed
from pipeline.commands.alerts import SINKS as NAMED
from pipeline.settings import SETTINGS, variable
from tests.components.alerts.certificates import make_certificate
from tests.components.alerts.conftest import BEGAN, message
from tests.components.alerts.receivers import HttpReceiver, SmtpReceiver

TOKEN = "T0KEN-tiger-7"
ODD = 'it\'s "odd":\n<@here> & Größe 数 \u202e\x1b[31m'


def webhook(url, **more):
    return Webhook(AlertsConfig(alert_webhook_url=url, **more))


def mail(port, **more):
    values = {
        "alert_email_to": ("oncall@example.com", "cs@example.com"),
        "alert_email_from": "tens-insight@example.com",
        "alert_smtp_host": "127.0.0.1",
        "alert_smtp_port": port,
        "alert_smtp_security": "none",
    }
    return Mail(AlertsConfig(**values | more))


def test_the_command_line_names_the_sinks_there_are():
    assert tuple(SINKS) == NAMED


def test_sinks_are_those_that_are_set(tmp_path):
    assert configured_sinks(AlertsConfig()) == []
    config = AlertsConfig(
        alert_webhook_url_file=str(tmp_path / "url"),
        alert_alertmanager_url="http://127.0.0.1:9093",
        alert_command=("true",),
    )
    assert [one.name for one in configured_sinks(config)] == ["webhook", "alertmanager", "command"]


def test_a_webhook_gets_what_slack_takes(http):
    webhook(f"{http.url}/services/{TOKEN}").send(message(sentence=ODD))
    ((headers, body, path),) = http.received
    assert path == f"/services/{TOKEN}"
    assert headers["Idempotency-Key"] == "6f1f3f63-3a35-4d1c-9d0d-0a51b8f2a001-opened"
    assert headers["Content-Type"] == "application/json"
    assert body["text"] == "*goinsight: critical: run_failed (score)*"
    (attachment,) = body["attachments"]
    assert 'it\'s "odd":\n&lt;@here&gt; &amp; Größe 数' in attachment["text"]
    assert "https://wiki.example.com/ops#run_failed" in attachment["text"]
    assert attachment["color"] == "#a30200"
    webhook(http.url).send(message("resolved"))
    assert "resolved: run_failed" in http.bodies[1]["text"]
    assert http.bodies[1]["attachments"][0]["color"] == "#2eb886"


def test_user_and_password_of_a_url_are_a_header(http):
    url = http.url.replace("http://", f"http://ann:{TOKEN}%2F@")
    webhook(url).send(message())
    assert http.received[0][0]["Authorization"] == "Basic YW5uOlQwS0VOLXRpZ2VyLTcv"


@pytest.mark.parametrize(
    ("answer", "said", "alive", "wait"),
    [
        ((500, {}), "it answered 500 Internal Server Error", False, None),
        ((400, {}), "it answered 400 Bad Request", True, None),
        ((404, {}), "it answered 404 Not Found", False, None),
        ((302, {"Location": "http://127.0.0.1:1/"}), "it answered 302 Found", False, None),
        ((429, {"Retry-After": "90"}), "429 Too Many Requests, and asks to wait 90 s", False, 90),
        ((503, {"Retry-After": "7"}), "503 Service Unavailable, and asks to wait 7 s", False, 7),
        ((429, {"Retry-After": "soon"}), "it answered 429 Too Many Requests", False, None),
        ("close", "it answered no HTTP|it closed the connection", False, None),
    ],
)
def test_a_webhook_that_does_not_take_it(http, answer, said, alive, wait):
    http.answers = [answer]
    with pytest.raises(SinkFailed, match=said) as caught:
        webhook(f"{http.url}/{TOKEN}").send(message())
    assert TOKEN not in str(caught.value)
    assert caught.value.alive is alive
    assert caught.value.retry_after == (timedelta(seconds=wait) if wait else None)
    assert caught.value.__context__ is None  # it would hold the whole address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"http://127.0.0.1:1/{TOKEN}", "http://127.0.0.1:1: no connection: Connection refused"),
        (
            f"http://nowhere.invalid/{TOKEN}",
            "http://nowhere.invalid: its host name cannot be resolved",
        ),
    ],
)
def test_a_webhook_that_is_not_there(url, said):
    with pytest.raises(SinkFailed) as caught:
        webhook(url).send(message())
    assert str(caught.value) == said


def test_what_fails_once_is_tried_once_more_and_what_refuses_is_not(http):
    http.answers = [(500, {}), (200, {})]
    assert attempt(webhook(http.url), message()).delivered
    http.answers = [(400, {}), (200, {})]
    assert attempt(webhook(http.url), message()).problem
    assert len(http.received) == 3


def test_a_secret_may_come_from_a_file(http, tmp_path):
    file = tmp_path / "url"
    sink = Webhook(AlertsConfig(alert_webhook_url_file=str(file)))
    with pytest.raises(SinkFailed, match="its secret cannot be read from .*No such file"):
        sink.send(message())
    file.write_text("\n")
    with pytest.raises(SinkFailed, match="the first line is empty"):
        sink.send(message())
    file.write_text(f"ftp://{TOKEN}\n")
    with pytest.raises(SinkFailed, match="its URL is none: expected http://") as caught:
        sink.send(message())
    assert TOKEN not in str(caught.value)
    file.write_text(f"{http.url}/{TOKEN}\r\nmore\n")
    sink.send(message())
    assert http.received[0][2] == f"/{TOKEN}"


def test_an_alert_of_alertmanager_keeps_its_labels_and_ends():
    now = BEGAN + timedelta(hours=2)
    opened, resolved = (alert_json(message(event), now) for event in ("opened", "resolved"))
    assert opened["labels"] == resolved["labels"]
    assert opened["labels"] == {
        "alertname": "TensInsightRunFailed",
        "kind": "run_failed",
        "key": "score",
        "installation": "goinsight",
        "severity": "critical",
    }
    assert opened["startsAt"] == resolved["startsAt"] == "2026-11-29T02:00:00.000+00:00"
    assert opened["endsAt"] == "2026-11-30T06:00:00.000+00:00"
    assert resolved["endsAt"] == "2026-11-29T03:00:00.000+00:00"
    assert opened["annotations"]["idempotency_key"].endswith("-opened")
    assert opened["generatorURL"].endswith("#run_failed")


def test_an_end_is_neither_ahead_of_the_clock_nor_before_the_beginning():
    """Clocks of database and machine differ: Alertmanager refuses what ends before it begins."""
    now = BEGAN - timedelta(hours=3)
    ended = alert_json(message("resolved"), now)
    begin, end = (datetime.fromisoformat(ended[name]) for name in ("startsAt", "endsAt"))
    assert begin < end <= now
    at_once = alert_json(message("resolved", resolved_at=BEGAN), BEGAN + timedelta(hours=1))
    assert at_once["startsAt"] < at_once["endsAt"]


def test_an_email_says_it_and_keeps_its_id(smtp):
    sink = mail(smtp.port, alert_smtp_user="ann", alert_smtp_password=TOKEN)
    sink.send(message(sentence=ODD, key="a\r\nBcc: x@example.com"))
    sink.send(message("resolved"))
    first, second = smtp.mails
    head, _, body = first.partition("\r\n\r\n")
    assert "Message-ID: <6f1f3f63-3a35-4d1c-9d0d-0a51b8f2a001-opened@tens-insight.invalid>" in head
    assert "\r\nBcc" not in head
    assert "To: oncall@example.com, cs@example.com" in head
    assert "6f1f3f63-3a35-4d1c-9d0d-0a51b8f2a001-opened@" in second.partition("In-Reply-To")[2]
    assert "Subject: goinsight: resolved: run_failed (score)" in second
    assert TOKEN not in first + second
    assert body


@pytest.mark.parametrize(
    ("refuse", "said"),
    [
        ({"AUTH": f"535 no {TOKEN}"}, r"^the server refused the login \(535\)$"),
        ({"RCPT": f"550 no {TOKEN}"}, r"^the server refused every address \(550\)$"),
        ({"DATA": f"452 full {TOKEN}"}, "^the server answered 452$"),
        ({"MAIL": f"421 busy {TOKEN}"}, "^the server answered 421$"),
        ({"EHLO": "500 what", "HELO": "500 what"}, "^the server answered 500$"),
    ],
)
def test_an_email_that_is_refused(smtp, refuse, said):
    smtp.refuse = refuse
    sink = mail(smtp.port, alert_smtp_user="ann", alert_smtp_password=TOKEN)
    with pytest.raises(SinkFailed, match=said):
        sink.send(message())
    assert smtp.mails == []


def test_a_server_without_tls_gets_no_password(smtp):
    sink = mail(
        smtp.port,
        alert_smtp_security="starttls",
        alert_smtp_user="ann",
        alert_smtp_password=TOKEN,
    )
    with pytest.raises(SinkFailed, match="offers no TLS"):
        sink.send(message())
    assert not any(line.startswith("AUTH") for line in smtp.commands)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def test_a_webhook_whose_certificate_nobody_signed_is_not_told(certificate, monkeypatch):
    file, context = certificate
    with HttpReceiver(context).serving() as receiver:
        with pytest.raises(SinkFailed, match=": its certificate is not trusted: self.signed"):
            webhook(f"{receiver.url}/{TOKEN}").send(message())
        assert receiver.received == []
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        webhook(f"{receiver.url}/{TOKEN}").send(message())
        assert len(receiver.received) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_email_goes_over_tls_to_a_server_that_is_trusted(certificate, security, monkeypatch):
    file, context = certificate
    with SmtpReceiver(context, at_once=security == "tls").serving() as receiver:
        sink = mail(
            receiver.port,
            alert_smtp_security=security,
            alert_smtp_user="ann",
            alert_smtp_password=TOKEN,
        )
        with pytest.raises(SinkFailed, match="^its certificate is not trusted: self.signed"):
            sink.send(message())
        assert not any(line.startswith("AUTH") for line in receiver.commands)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        sink.send(message())
        assert receiver.encrypted == [True]
        assert any(line.startswith("AUTH") for line in receiver.commands)


def test_a_command_gets_json_and_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"postgresql://ann:{TOKEN}@db/x")
    for name, field in SETTINGS.items():
        if is_secret(field):
            monkeypatch.setenv(variable(name), f"http://x/{TOKEN}")
    monkeypatch.setenv("REDIS_URL", f"redis://:{TOKEN}@cache")
    monkeypatch.setenv("METADATA_DATABASE_URL", f"postgresql://ann:{TOKEN}@db/x")
    program = (
        "import json, os, pathlib, sys; "
        "pathlib.Path(sys.argv[1]).write_text(json.dumps([json.load(sys.stdin), dict(os.environ)]))"
    )
    file = tmp_path / "got"
    config = AlertsConfig(alert_command=(sys.executable, "-c", program, str(file)))
    Command(config).send(message(sentence=ODD))
    got, environment = json.loads(file.read_text())
    assert got["sentence"] == ODD
    assert got["idempotency_key"].endswith("-opened")
    assert got["runbook"] == "https://wiki.example.com/ops#run_failed"
    assert TOKEN not in str(environment)
    assert "PATH" in environment


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/nowhere/page",), "the program cannot be started: No such file or directory"),
        (("sh", "-c", "cat > /dev/null; exit 3"), "the program ended with 3"),
        (("sh", "-c", "exit 4"), "the program ended with 4"),  # it does not read what it gets
    ],
)
def test_a_command_that_fails(command, said):
    with pytest.raises(SinkFailed, match=said):
        Command(AlertsConfig(alert_command=command)).send(message())


def test_a_command_that_hangs_is_ended_with_its_children(monkeypatch, tmp_path):
    monkeypatch.setattr("components.alerts.sinks.command.TIMEOUT_S", 0.3)
    file = tmp_path / "late"
    command = ("sh", "-c", f"(sleep 1; touch {file}) & sleep 30")
    began = time.monotonic()
    with pytest.raises(SinkFailed, match="did not end within 0 s, and was ended"):
        Command(AlertsConfig(alert_command=command)).send(message())
    assert time.monotonic() - began < 2
    time.sleep(1.0)
    assert not file.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"alert_webhook_url": f"ftp://x/{TOKEN}"}, "expected http://HOST... or https://HOST..."),
        (
            {"alert_webhook_url": f"http://x/{TOKEN} y"},
            "expected http://HOST... or https://HOST...",
        ),
        (
            {"alert_alertmanager_url": f"http://x:port/{TOKEN}"},
            "expected http://HOST... or https://HOST...",
        ),
        ({"alert_email_to": ("ann",)}, "'ann' is no address"),
        ({"alert_email_to": ("ann@example.com",)}, "needs alert_smtp_host and alert_email_from"),
        (
            {"alert_smtp_password": TOKEN, "alert_smtp_password_file": "x"},
            "alert_smtp_password and alert_smtp_password_file exclude each other",
        ),
    ],
)
def test_a_wrong_setting_is_refused(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        AlertsConfig(**given)


def test_a_head_is_one_line():
    assert message(key="a\n\tb").head == "goinsight: critical: run_failed (a b)"


def test_moments_of_a_message_are_utc():
    here = BEGAN.astimezone(timezone(timedelta(hours=5)))
    assert message(first_seen=here).as_json()["first_seen"] == "2026-11-29T02:00:00+00:00"
