"""The client's address is the peer's, and a proxy's word counts only from as many proxies as are trusted."""

from typing import Any

import pytest
from django.test import RequestFactory

from aurix.api.addresses import client_address, network


def address(settings: Any, *, peer: str = "10.0.0.1", proxies: int = 0, forwarded: str | None = None) -> str:
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))


class TestClientAddress:
    @pytest.mark.parametrize(
        ("peer", "read"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("", "0.0.0.0"),  # noqa: S104
            ("unix:/run/x.sock", "0.0.0.0"),  # noqa: S104
        ],
    )
    def test_is_the_peers(self, settings: Any, peer: str, read: str) -> None:
        assert address(settings, peer=peer, forwarded="198.51.100.1") == read

    @pytest.mark.parametrize(
        ("proxies", "forwarded", "read"),
        [
            (1, "198.51.100.1", "198.51.100.1"),
            (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
            (2, "203.0.113.9, 198.51.100.1", "203.0.113.9"),
            (2, "6.6.6.6,203.0.113.9 ,198.51.100.1", "203.0.113.9"),
            (2, "198.51.100.1", "10.0.0.1"),
            (1, "", "10.0.0.1"),
            (1, None, "10.0.0.1"),
            (1, "nonsense", "10.0.0.1"),
            (1, "198.51.100.1:4711", "198.51.100.1"),
            (1, "[2001:db8::1]:4711", "2001:db8::1"),
            (1, "203.0.113.9, ", "10.0.0.1"),
        ],
    )
    def test_is_what_the_outermost_trusted_proxy_saw(
        self, settings: Any, proxies: int, forwarded: str | None, read: str
    ) -> None:
        assert address(settings, proxies=proxies, forwarded=forwarded) == read


class TestNetwork:
    def test_is_the_address_in_version_4(self) -> None:
        assert network("192.0.2.1") == "192.0.2.1"

    def test_is_64_bits_in_version_6(self) -> None:
        assert network("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::"
