"""Where a request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

_UNKNOWN = "0.0.0.0"  # noqa: S104  an address to count by, not one to bind to


def client_address(request: HttpRequest) -> str:
    """The client's IP address.

    It is the peer's, or behind ``TRUSTED_PROXIES`` = n proxies the n-th entry from the right of ``X-Forwarded-For``:
    what stands left of it was written by the client. A peer without an address (a unix socket) is ``0.0.0.0``.
    """
    peer = _read(request.META.get("REMOTE_ADDR", "")) or _UNKNOWN
    hops: int = settings.TRUSTED_PROXIES
    if not hops:
        return peer
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return (_read(entries[-hops]) if len(entries) >= hops else "") or peer


def network(address: str) -> str:
    """Whom an address stands for when requests are counted: an IPv4 address, or an IPv6 network of 64 bits.

    A household or a machine has a whole such network (RFC 6177) and could take a new address for each request.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)


def _read(text: str) -> str:
    """The address in ``text``, also of ``1.2.3.4:567`` and ``[::1]:567``; empty when there is none."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)
