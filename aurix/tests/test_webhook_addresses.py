"""Where webhooks go, and where they never do."""

import asyncio
import datetime
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aurix import clock
from aurix.tests.cast import Person
from aurix.tests.receiver import Receiver, receiving
from aurix.webhooks import addresses, post
from aurix.webhooks.post import Answer

PRIVATE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",  # noqa: S104  compared, not bound
    "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "ff0e::1", "fec0::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1"]


def send(url: str) -> Answer:
    async def go() -> Answer:
        async with post.pool() as connections:
            return await post.send(connections, url=url, event_id=uuid4(), body=b"{}", keys=[b"k"])

    return asyncio.run(go())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class TestAddresses:
    @pytest.mark.parametrize("address", PRIVATE)
    def test_that_are_private_local_or_reserved_are_refused(self, address: str, settings: Any) -> None:
        assert not addresses.allowed(ip_address(address))
        url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
        with pytest.raises(addresses.AddressError):
            addresses.check_url(url)
        settings.WEBHOOK_NETWORKS = ["0.0.0.0/0", "::/0"]
        assert addresses.allowed(ip_address(address))

    @pytest.mark.parametrize("address", PUBLIC)
    def test_that_are_public_are_fine(self, address: str) -> None:
        assert addresses.allowed(ip_address(address))

    @pytest.mark.parametrize(
        "url",
        [
            "", "x", "http://aurix.example/", "ftp://aurix.example/", "file:///etc/passwd", "gopher://aurix.example/",
            "https://", "https:///path", "https://user:pw@aurix.example/", "https://@aurix.example/",
            "https://aurix.example/#here", "https://aurix.example:99999/", "https://aurix.example:x/",
            "https://aurix.example:0/", "https://aurix example/", "https://aurix.example/\n", "https://ärix.example/",
            "https://aurix.example/" + "x" * 2048, "https://[::1", "https://[fe80::1%25eth0]/",
        ],
    )  # fmt: skip
    def test_must_be_plain_https(self, url: str, tom: Person) -> None:
        with pytest.raises(addresses.AddressError):
            addresses.check_url(url)
        answer = tom.post(f"/admin/tenants/{tom.tenant.id}/webhooks", {"url": url})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
        assert "url" in answer.json()["error"]["details"]["fields"]


class TestConnections:
    """To a server that listens on this machine's loopback, which is not allowed here."""

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0"]
    )
    def test_to_loopback_are_not_made_however_it_is_written(self, receiver: Receiver, settings: Any, host: str) -> None:
        settings.WEBHOOK_ALLOW_HTTP = True
        answer = send(receiver.url(host=host))
        assert not answer.taken
        assert answer.status is None
        assert receiver.hits == []

    def test_are_made_where_it_is_allowed(self, receiver: Receiver, settings: Any) -> None:
        """The control."""
        settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_NETWORKS = True, ["127.0.0.0/8"]
        assert send(receiver.url()) == Answer(200, "")

    def test_go_to_the_address_that_was_looked_at(
        self, receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name that is public for whoever looks first, and loopback for whoever looks again."""
        settings.WEBHOOK_ALLOW_HTTP = True
        answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1", "127.0.0.1"])
        dialled: list[str] = []

        async def rebinding(loop: Any, host: str, port: int, **_: Any) -> list[Any]:
            return [(2, 1, 6, "", (next(answers), port))]

        async def dial(self: Any, host: str, *_: Any, **__: Any) -> Any:
            dialled.append(host)
            raise httpcore2.ConnectError("no network in tests")

        monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", rebinding)
        monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", dial)
        assert not send(receiver.url(host="rebinding.example")).taken
        assert dialled == ["93.184.216.34"]
        answer = send(receiver.url(host="rebinding.example"))
        assert "private" in answer.problem
        assert dialled == ["93.184.216.34"]
        assert receiver.hits == []

    def test_are_not_made_when_one_of_several_addresses_is_private(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def mixed(loop: Any, host: str, port: int, **_: Any) -> list[Any]:
            return [(2, 1, 6, "", (address, port)) for address in ("93.184.216.34", "10.0.0.1")]

        monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", mixed)
        assert "private" in send("https://mixed.example/").problem

    def test_follow_no_redirect(self, receiver: Receiver, settings: Any) -> None:
        settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_NETWORKS = True, ["127.0.0.0/8"]
        with receiving() as inside:
            receiver.location = inside.url("/secret")
            for status in (301, 302, 303, 307, 308):
                receiver.mood = lambda _, status=status: status  # type: ignore[misc]
                assert asyncio.run(_with_body(receiver.url())) == Answer(status, f"answered {status}")
            assert inside.hits == []

    def test_use_no_proxy_of_the_environment(
        self, receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_NETWORKS = True, ["127.0.0.0/8"]
        with receiving() as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
                monkeypatch.setenv(name, proxy.url(""))
            assert send(receiver.url()).taken
            assert proxy.hits == []


class TestTls:
    """Over TLS, to a receiver whose certificate is for ``hooks.example`` and from an authority that we trust."""

    @pytest.fixture
    def authority(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
        now = clock.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        secret.write_bytes(key.private_bytes(*pem))
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, secret)
        return context

    @pytest.fixture
    def _here(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        """Every name is this machine's."""
        settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]

        async def here(loop: Any, host: str, port: int, **_: Any) -> list[Any]:
            return [(2, 1, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", here)

    @pytest.mark.usefixtures("_here")
    def test_the_name_is_verified_and_sent_though_the_address_was_dialled(self, authority: ssl.SSLContext) -> None:
        names: list[str | None] = []
        authority.sni_callback = lambda _, name, __: names.append(name)
        with receiving(authority) as receiver:
            good, bad = (receiver.url(scheme="https", host=host) for host in ("hooks.example", "liar.example"))
            assert send(good) == Answer(200, "")
            assert receiver.hits[0].headers["Host"] == f"hooks.example:{receiver.port}"
            answer = send(bad)
            assert not answer.taken
            assert "CERTIFICATE_VERIFY_FAILED" in answer.problem
            assert len(receiver.hits) == 1
        assert names == ["hooks.example", "liar.example"]

    @pytest.mark.usefixtures("_here")
    def test_a_redirect_to_loopback_leads_nowhere(self, authority: ssl.SSLContext) -> None:
        with receiving(authority) as liar, receiving() as inside:
            liar.location, liar.mood = inside.url("/secret"), lambda _: 307
            assert asyncio.run(_with_body(liar.url(scheme="https", host="hooks.example"))).status == 307
            assert inside.hits == []


async def _with_body(url: str) -> Answer:
    async with post.pool() as connections:
        return await post.send(connections, url=url, event_id=uuid4(), body=b'{"a": 1}', keys=[b"k"])
