"""Where a webhook may go: to public addresses, so that nobody makes us knock at doors inside our own network.

A name is looked up once and the connection is made to the very address that was looked at; a name that answers
differently the next time gains nothing. TLS still verifies the name.
"""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore2
from django.conf import settings

_MOST = 2048
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IPv6 routes on the internet. Outside are mapped and translated IPv4 addresses, private and local ones."""
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo hold an IPv4 address that may be anything."""


class AddressError(Exception):
    """Not an address that we post to; the message says why, for whoever gave it."""


class _Refused(httpcore2.ConnectError):
    """The same, while connecting."""


def check_url(url: str) -> None:
    """What can be said of a URL without looking its name up. Raises: AddressError."""
    if len(url) > _MOST or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressError(f"must be at most {_MOST} visible ASCII characters")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as problem:
        raise AddressError("is no URL") from problem
    if parts.scheme not in _schemes():
        raise AddressError("must begin with https://")
    if not host or port == 0:
        raise AddressError("must name a host")
    if parts.username is not None or parts.password is not None:
        raise AddressError("must not hold a user or password")
    if parts.fragment:
        raise AddressError("must not have a fragment")
    _check_host(host)


def _schemes() -> set[str]:
    return {"https", "http"} if settings.WEBHOOK_ALLOW_HTTP else {"https"}


def _check_host(host: str) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        return
    if not allowed(address):
        raise AddressError("must not be a private, local or reserved address")


def allowed(address: IPv4Address | IPv6Address) -> bool:
    """Whether we post to it: it is public, or in a network of ``WEBHOOK_NETWORKS``."""
    return _public(address) or any(address in ip_network(network) for network in settings.WEBHOOK_NETWORKS)


def _public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return True
    return address in _GLOBAL_UNICAST and not any(address in tunnel for tunnel in _TUNNELS)


class Dialler(httpcore2.AnyIOBackend):
    """Connects to what ``allowed`` lets pass, and to nothing else."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises: httpcore2.ConnectError, httpcore2.ConnectTimeout."""
        problem: Exception = _Refused(f"{host} has no address")
        for address in await _look_up(host, port):
            try:
                return await super().connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failure:
                problem = failure
        raise problem


async def _look_up(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    """Every address of ``host``; one that is not allowed spoils them all. Raises: httpcore2.ConnectError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise _Refused(f"{host} cannot be looked up") from problem
    addresses = [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
    if not all(map(allowed, addresses)):
        raise _Refused(f"{host} has a private, local or reserved address")
    return list(dict.fromkeys(addresses))
