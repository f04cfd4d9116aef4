"""What is wrong with the environment is said at once, all of it, and what nobody reads is told with what is meant."""

import pytest

from tests.command_line import run
from tradepost.config import checks, environment


def told(monkeypatch: pytest.MonkeyPatch, **environ: str) -> list[str]:
    """Return what is found with these variables set."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return [str(finding) for finding in checks.findings()]


def test_sound_settings_are_said_to_be() -> None:
    assert run("check", "--settings") == "The settings are valid."


def test_everything_that_cannot_be_right_is_told_together() -> None:
    environ = {"TRADEPOST_CURRENCY": "euro", "TRADEPOST_SIGN_UP": "maybe"}
    printed = run("check", "--settings", status=1, environ=environ)
    assert "TRADEPOST_CURRENCY must be" in printed
    assert "TRADEPOST_SIGN_UP must be" in printed
    printed = run("up", "--port", "0", status=1, environ=environ)
    assert "TRADEPOST_CURRENCY must be" in printed
    assert "TRADEPOST_SIGN_UP must be" in printed


def test_a_name_that_nothing_reads_is_told_with_the_one_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    [mistyped] = told(monkeypatch, TRADEPOST_SIGNUP="closed")
    assert "TRADEPOST_SIGNUP is no setting" in mistyped
    assert "Is TRADEPOST_SIGN_UP meant?" in mistyped
    monkeypatch.delenv("TRADEPOST_SIGNUP")
    [unknown] = told(monkeypatch, TRADEPOST_Q="1")
    assert all(name in unknown for name in checks.NAMES)


def test_a_desk_on_the_open_net_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, TRADEPOST_URL="http://panel.example")
    assert any("passwords and keys travel in clear" in each for each in found)
    assert any("mails are printed to the log" in each for each in found)
    mail = "smtp://mail.example"
    assert told(monkeypatch, TRADEPOST_URL="https://panel.example", TRADEPOST_MAIL_URL=mail) == []


def test_every_setting_that_can_be_wrong_is_looked_at() -> None:
    raising = {name for name, each in vars(environment).items() if _raises_configuration_error(each)}
    assert raising == {read.__name__ for read in checks.READERS}


def test_djangos_checks_tell_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.checks import run_checks

    monkeypatch.setenv("TRADEPOST_SIGNUP", "closed")
    assert [finding.id for finding in run_checks(tags=[checks.TAG])] == ["tradepost.W001"]


def _raises_configuration_error(each: object) -> bool:
    code = getattr(each, "__code__", None)
    return code is not None and "ConfigurationError" in code.co_names
