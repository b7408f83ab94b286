"""Settings: defaults that work, mistakes told all at once, secrets never shown."""

import ipaddress
import os
from pathlib import Path

import pytest

from parley import settings
from parley.settings import PortRange, Rate, SettingsError

ROOT = Path(__file__).resolve().parents[2]
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(settings.PREFIX):
            monkeypatch.delenv(name)


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    return caught.value.problems


def test_defaults_work() -> None:
    """Nothing has to be set."""
    loaded = settings.load()
    assert (loaded.host, loaded.port, loaded.data_dir) == ("127.0.0.1", 8080, Path(".parley"))
    assert loaded.rate_limits is True
    assert loaded.rate_limit_auth is None
    assert ipaddress.ip_network("127.0.0.0/8") in loaded.metrics_allow


def test_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of value is written as an operator would write it."""
    monkeypatch.setenv("PARLEY_RATE_LIMITS", "off")
    monkeypatch.setenv("PARLEY_RATE_LIMIT_AUTH", "5/minute")
    monkeypatch.setenv("PARLEY_RATE_LIMIT_API", "100 / 15 minutes")
    monkeypatch.setenv("PARLEY_CORS_ORIGINS", "https://a.example, http://localhost:3000")
    monkeypatch.setenv("PARLEY_TRUSTED_PROXIES", "10.0.0.0/8,::1")
    monkeypatch.setenv("PARLEY_JWT_KEYS", f"new:{SECRET},old:{SECRET[::-1]}")
    monkeypatch.setenv("PARLEY_WEBHOOK_PORTS", "443, 8000-8999")
    monkeypatch.setenv("PARLEY_LOG_LEVEL", "WARNING")
    loaded = settings.load()
    assert loaded.rate_limits is False
    assert loaded.rate_limit_auth == Rate(5, 60)
    assert loaded.rate_limit_api == Rate(100, 900)
    assert loaded.cors_origins == ("https://a.example", "http://localhost:3000")
    assert loaded.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))
    assert [(key.kid, key.secret.get_secret_value()) for key in loaded.jwt_keys] == [
        ("new", SECRET),
        ("old", SECRET[::-1]),
    ]
    assert loaded.webhook_ports == (PortRange(443, 443), PortRange(8000, 8999))
    assert loaded.log_level == "warning"


def test_an_option_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line is nearer than the environment; an option that is not given is not there."""
    monkeypatch.setenv("PARLEY_PORT", "9000")
    assert settings.load(port=0).port == 0
    assert settings.load(port=None).port == 9000


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass empty strings for what nobody set."""
    monkeypatch.setenv("PARLEY_PORT", "")
    assert settings.load().port == 8080


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a server mends everything in one go."""
    told = problems(
        monkeypatch,
        PARLEY_PORT="99999",
        PARLEY_RATE_LIMITS="maybe",
        PARLEY_RATE_LIMIT_AUTH="often",
        PARLEY_PROT="8080",
    )
    assert told == [
        "PARLEY_PROT is not a setting of Parley; `parley settings` lists them.",
        'PARLEY_PORT must be less than or equal to 65535 (it is "99999").',
        'PARLEY_RATE_LIMITS must be on or off (it is "maybe").',
        'PARLEY_RATE_LIMIT_AUTH must be like "5/minute" or "100/15 minutes" (it is "often").',
    ]


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("PARLEY_DATABASE_URL", "mysql://a:hidden@b/c", "must begin with postgresql://"),
        ("PARLEY_CORS_ORIGINS", "https://a.example/path", "must be origins"),
        ("PARLEY_METRICS_ALLOW", "10.0.0.1/8", "must be addresses or networks"),
        ("PARLEY_JWT_KEYS", "hidden", "must be pairs kid:secret"),
        ("PARLEY_JWT_KEYS", "kid:hidden", "at least 32 bytes"),
        ("PARLEY_JWT_KEYS", f"a:{SECRET},a:{SECRET}", "names a kid twice"),
        ("PARLEY_RATE_LIMIT_API", "0/minute", "must be like"),
        ("PARLEY_RATE_LIMIT_AUTH", "5", 'must be like "5/minute"'),
        ("PARLEY_RATE_LIMIT_AUTH", '{"limit": 5, "window_seconds": 60}', 'must be like "5/minute"'),
        ("PARLEY_WEBHOOK_ALLOW_NETWORKS", "intranet", "must be addresses or networks"),
        ("PARLEY_WEBHOOK_PORTS", "0-80", "must be ports or ranges"),
        ("PARLEY_WEBHOOK_PORTS", "443-80", "must be ports or ranges"),
        ("PARLEY_WEBHOOK_PORTS", "65536", "must be ports or ranges"),
        ("PARLEY_WEBHOOK_PORTS", "https", "must be ports or ranges"),
        ("PARLEY_WEBHOOK_PORTS", ",", "at least 1 item"),
        ("PARLEY_MAX_BODY_BYTES", "1", "greater than or equal to 1024"),
    ],
)
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str) -> None:
    """One sentence names the variable and the reason, and shows no secret."""
    (told,) = problems(monkeypatch, **{variable: value})
    assert told.startswith(f"{variable} ")
    assert reason in told
    assert "hidden" not in told
    assert SECRET not in told


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the table of settings nor in what a traceback would print."""
    monkeypatch.setenv("PARLEY_JWT_KEYS", f"k1:{SECRET}")
    monkeypatch.setenv("PARLEY_DATABASE_URL", "postgresql://parley:hunter2@db/parley")
    loaded = settings.load()
    everything = repr(loaded) + str(loaded) + repr(list(settings.shown(loaded))) + loaded.model_dump_json()
    assert SECRET not in everything
    assert "hunter2" not in everything
    assert ("PARLEY_JWT_KEYS", "k1:**********", True) in list(settings.shown(loaded))


def test_every_setting_has_a_sentence() -> None:
    """Help is a sentence, and a number has bounds."""
    for variable, _, sentence in settings.described():
        assert sentence.endswith("."), variable
    for field, info in settings.Settings.model_fields.items():
        if info.annotation in {int, float}:
            assert any(hasattr(item, "ge") for item in info.metadata), field
            assert any(hasattr(item, "le") for item in info.metadata), field


def test_the_page_of_settings_is_current() -> None:
    """docs/settings.md is what the settings say about themselves."""
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page == settings.markdown(), "mend it with: make docs/settings.md"


@pytest.mark.parametrize("text", ["5/minute", "1/second", "100/15 minutes", "3/hour", "7/2 days"])
def test_a_rate_is_shown_as_it_is_written(text: str) -> None:
    """What `parley settings` prints can be pasted."""
    assert str(settings.load(rate_limit_api=text).rate_limit_api) == text
