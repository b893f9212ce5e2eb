"""The process that builds pages: started when it is needed, and again when it has ended."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from pipeline.serving import pages
from pipeline.serving.pages import Pages, is_page, page_of
from pipeline.serving.problems import Problem
from tests.environment import unset_settings

_SAYS_SO = """
while input():
    print('{"status": 418, "headers": {}, "length": 0}', flush=True)
"""
"""A process that answers without building anything."""


def test_which_paths_are_of_people() -> None:
    assert all(map(is_page, ("/", "/pages", "/pages/account", "/pages/../x")))
    assert not any(map(is_page, ("/pagesx", "/v1/score", "/healthz", "", "//")))


def test_a_problem_is_a_page_that_asks_browsers_for_a_password() -> None:
    answer = page_of(Problem(401, "unauthorized", "Give <b> a token."))
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert b"Give &lt;b&gt; a token." in answer.body
    assert page_of(Problem(503, "x", "y", retry_after=7)).headers["retry-after"] == "7"


@pytest.mark.slow
def test_it_starts_again_and_a_page_that_takes_too_long_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@/nothing?host={tmp_path}")

    (tmp_path / "says_so.py").write_text(_SAYS_SO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def tried() -> None:
        site = Pages()
        asked = {"path": "/pages", "query": ""}
        head, content = await site.ask(asked)
        assert head["status"] == 503
        assert b"The database cannot be asked now" in content
        assert len(content) == head["length"]
        process = site._process
        assert process is not None
        assert (await site.ask(asked | {"path": "/pages/nowhere"}))[0]["status"] == 404
        assert site._process is process
        os.kill(process.pid, signal.SIGSTOP)
        site._deadline_s = 0.2
        with pytest.raises(Problem, match="not built within"):
            await site.ask(asked)
        assert process.returncode == -signal.SIGKILL
        site._deadline_s, site._stays = 60.0, False
        # Another one is started: one that begins at once does for that.
        monkeypatch.setattr(pages, "_MODULE", "says_so")
        assert (await site.ask(asked))[0]["status"] == 418
        assert site._process is None
        monkeypatch.setattr(pages, "_WAITING", 0)
        with pytest.raises(Problem, match="Too many pages"):
            await site.ask(asked)
        await site.stop()

    asyncio.run(tried())
