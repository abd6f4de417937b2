"""What to paste into an Asterisk's configuration, so that its calls come to us.

Three ways, of which one is chosen: with ARI, and for sound either we dial Asterisk (`media` is
``server``, after Asterisk's part) or Asterisk dials us (`media` names a configuration of
websocket_client.conf); or by the dialplan alone, where Asterisk dials us and nothing else is
controlled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from engine.errors import ConfigurationError
from server.asterisk.modules import needed

__all__ = ["AMD_CONTEXT", "APP_VARIABLE", "CONTEXT", "Wanted", "configuration", "endpoint_of"]

CONTEXT = "palabre"
"""The dialplan's context that brings calls to us."""
AMD_CONTEXT = "palabre-amd"
"""The context that runs AMD() for us (`server.asterisk.witness`)."""
APP_VARIABLE = "PALABRE_APP"
"""Says there which of our applications asked: one context serves them all."""
ANY_NUMBER = ("_X.", "_+X.")
NO_PASSWORD = "CHANGE-ME"
ANSWERED_WITHIN_S = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration is for. `ari_url` is empty where the dialplan does it alone;
    `ari_dials` is where Asterisk dials us with ARI (``ws://10.0.0.5:8766``), empty if we dial it.

    `engine_url` is ours as Asterisk reaches it (``ws://10.0.0.5:8080``), `endpoint` the channel
    that calls go out by (``PJSIP/{number}@trunk``), `numbers` those that come to us; all, if empty.
    """

    engine_url: str
    ari_url: str = ""
    ari_user: str = "palabre"
    ari_password: str = ""
    ari_app: str = "palabre"
    ari_dials: str = ""
    media: str = "server"
    media_user: str = ""
    media_password: str = ""
    endpoint: str = ""
    numbers: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, url, schemes in (
            ("ari_url", self.ari_url, ("http", "https")),
            ("engine_url", self.engine_url, ("ws", "wss")),
            ("ari_dials", self.ari_dials, ("ws", "wss")),
        ):
            parts = urlsplit(url)
            if url and (parts.scheme not in schemes or not parts.hostname):
                raise ConfigurationError(
                    f"{name} is {url!r}; it is like {schemes[0]}://10.0.0.5:8080"
                )
        for value in (self.ari_user, self.ari_app, self.media, *self.numbers):
            if not value or set(value) & set("[];,\n()${} "):
                raise ConfigurationError(
                    f"{value!r} cannot stand in Asterisk's configuration; use letters and digits"
                )

    @property
    def ari(self) -> bool:
        return bool(self.ari_url)

    @property
    def dials_us(self) -> bool:
        """Asterisk opens the WebSocket of each call."""
        return not self.ari or self.media != "server"

    @property
    def client(self) -> str:
        """The name of Asterisk's WebSocket client."""
        return self.media if self.media != "server" else CONTEXT


def configuration(wanted: Wanted) -> dict[str, str]:
    """The files of Asterisk's configuration, by name; each adds to what is there."""
    files = {}
    if wanted.ari:
        files["http.conf"] = _http(wanted)
        files["ari.conf"] = _ari(wanted)
    clients = [
        *([_media_client(wanted)] if wanted.dials_us else []),
        *([_ari_client(wanted)] if wanted.ari and wanted.ari_dials else []),
    ]
    if clients:
        files["websocket_client.conf"] = "\n".join(clients)
    files["extensions.conf"] = _extensions(wanted)
    files["pjsip.conf"] = _pjsip(wanted)
    files["modules.conf"] = _modules(wanted)
    return files


def endpoint_of(channel: str) -> str:
    """The endpoint in ``PJSIP/{number}@trunk``; empty where the channel is none of PJSIP's."""
    technology, _, rest = channel.partition("/")
    if technology.upper() != "PJSIP":
        return ""
    return (rest.rpartition("@")[2] if "@" in rest else rest).partition("/")[0]


def _http(wanted: Wanted) -> str:
    parts = urlsplit(wanted.ari_url)
    port = parts.port or (8089 if parts.scheme == "https" else 8088)
    try:
        bind = str(ip_address(parts.hostname or ""))
    except ValueError:
        bind = "127.0.0.1" if parts.hostname == "localhost" else "0.0.0.0"  # noqa: S104
    lines = [
        "; http.conf, section [general]: Asterisk's own HTTP server, which ARI and media use.",
        "; /media asks for no password: let nobody but the engine reach this port.",
        "[general]",
        "enabled = yes",
    ]
    if parts.scheme == "https":
        lines += ["; with tlscertfile and tlsprivatekey", "tlsenable = yes"]
        lines += [f"tlsbindaddr = {bind}:{port}"]
    else:
        lines += [f"bindaddr = {bind}", f"bindport = {port}"]
    return _text(lines)


def _ari(wanted: Wanted) -> str:
    lines = [
        "; ari.conf: the user that the engine is.",
        "[general]",
        "enabled = yes",
        "",
        f"[{wanted.ari_user}]",
        "type = user",
        "read_only = no",
        f"password = {wanted.ari_password or NO_PASSWORD}",
        "password_format = plain",
    ]
    if wanted.ari_dials:
        lines += [
            "",
            f"[{wanted.ari_app}-engine]",
            "type = outbound_websocket",
            f"websocket_client_id = {wanted.ari_app}-ari",
            f"apps = {wanted.ari_app}",
            f"local_ari_user = {wanted.ari_user}",
        ]
    if not wanted.ari_password:
        lines.insert(1, "; Choose a password, and give it to the engine as PALABRE_ARI_PASSWORD.")
    return _text(lines)


def _ari_client(wanted: Wanted) -> str:
    lines = [
        "; websocket_client.conf: Asterisk brings ARI to the engine.",
        f"[{wanted.ari_app}-ari]",
        "type = websocket_client",
        "connection_type = persistent",
        f"uri = {wanted.ari_dials.rstrip('/')}/ari",
        "protocols = ari",
        f"username = {wanted.ari_user}",
        f"password = {wanted.ari_password or NO_PASSWORD}",
        f"tls_enabled = {'yes' if wanted.ari_dials.startswith('wss:') else 'no'}",
        "connection_timeout = 500",
        "reconnect_interval = 500",
    ]
    return _text(lines)


def _media_client(wanted: Wanted) -> str:
    secure = wanted.engine_url.startswith("wss:")
    lines = [
        "; websocket_client.conf: Asterisk opens a WebSocket to the engine for each call.",
        f"[{wanted.client}]",
        "type = websocket_client",
        "connection_type = per_call_config",
        f"uri = {wanted.engine_url.rstrip('/')}/media",
        "protocols = media",
    ]
    if wanted.media_user:
        lines.append(f"username = {wanted.media_user}")
        lines.append(f"password = {wanted.media_password or NO_PASSWORD}")
    lines += [
        f"tls_enabled = {'yes' if secure else 'no'}",
        "; An engine that is not there is given up after a second, and the caller told.",
        "connection_timeout = 500",
        "reconnect_interval = 500",
        "reconnect_attempts = 2",
    ]
    return _text(lines)


def _extensions(wanted: Wanted) -> str:
    lines = [
        "; extensions.conf: calls of this context come to the engine. Let your trunk's endpoint",
        f"; (pjsip.conf: context = {CONTEXT}) or a Goto of your dialplan lead here.",
        f"[{CONTEXT}]",
    ]
    for number in wanted.numbers or ANY_NUMBER:
        lines += _extension(number, wanted)
    return _text([*lines, *(_amd() if wanted.ari else ())])


def _amd() -> list[str]:
    return [
        "",
        "; Asterisk's AMD() as one more witness of who answered calls that the engine places. It",
        "; listens beside the engine, and nobody waits for it. Calls work without this context.",
        f"[{AMD_CONTEXT}]",
        "exten => s,1,AMD()",
        f" same => n,Stasis(${{{APP_VARIABLE}}},amd,${{AMDSTATUS}},${{AMDCAUSE}})",
        " same => n,Hangup()",
    ]


def _extension(number: str, wanted: Wanted) -> list[str]:
    if not wanted.ari:
        told = (
            "v(call=${URIENCODE(${UNIQUEID})},from=${URIENCODE(${CALLERID(num)})},"
            "to=${URIENCODE(${EXTEN})})"
        )
        return [
            f"exten => {number},1,Dial(WebSocket/{wanted.client}/c(slin16)f(json)n{told},{ANSWERED_WITHIN_S})",  # noqa: E501 one line to Asterisk
            " same => n,Hangup()",
        ]
    return [
        f"exten => {number},1,Stasis({wanted.ari_app},inbound,${{EXTEN}})",
        ' same => n,GotoIf($["${STASISSTATUS}" = "SUCCESS"]?done)',
        " ; The engine is not connected: 34 tells the caller so (SIP 503).",
        " same => n,Hangup(34)",
        " same => n(done),Hangup()",
    ]


def _pjsip(wanted: Wanted) -> str:
    name = endpoint_of(wanted.endpoint) or "your-trunk"
    lines = [
        f"; pjsip.conf, in the endpoint of your trunk or telephones ([{name}], type = endpoint):",
        f";   context = {CONTEXT}          calls that come in go to the engine",
        ";   allow = alaw,ulaw          or g722 for 16 kHz; each is coded to the engine's 16 kHz",
        ";   dtmf_mode = rfc4733        keys arrive as keys",
        ";   direct_media = no          the sound passes through Asterisk",
        ";   rtp_symmetric = yes        sound finds its way back through NAT",
    ]
    return _text(lines)


def _modules(wanted: Wanted) -> str:
    lines = [
        "; modules.conf, section [modules]: only where autoload = no. With autoload = yes they are",
        "; there, unless a noload line names one.",
        *(f"load = {module.name}.so" for module in needed(ari=wanted.ari)),
    ]
    return _text(lines)


def _text(lines: list[str]) -> str:
    return "\n".join([*lines, ""])
