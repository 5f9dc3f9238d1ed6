"""Where a webhook may go: to the public internet over HTTPS, never to a machine beside us.

A name is resolved for every message, each address that it has must be public, and the message goes to the
address that was looked at: a name that changes its address in between leads nowhere else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from simcheck.errors import InvalidError, SimcheckError

LONGEST = 2000
PORTS = {443, 8443}


class AddressRefusedError(SimcheckError):
    """A name leads to no address that a webhook may go to."""

    code = "address_refused"


class Place(NamedTuple):
    """A host as the URL names it, the address to connect to, and the port."""

    host: str
    address: str
    port: int


def require_usable(url: str, *, private: bool) -> None:
    """Raise `InvalidError` unless a webhook may go to a URL of this form."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise InvalidError("url: write https://HOST/PATH.") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST
    if not plain or not parts.hostname or parts.scheme not in ({"https", "http"} if private else {"https"}):
        raise InvalidError(f"url: write https://HOST/PATH, at most {LONGEST} ASCII characters.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidError(
            "url: no user, no password and no # in it. Events are signed; check the signature."
        )
    if private:
        return
    if port not in PORTS:
        raise InvalidError(f"url: events go to the ports {', '.join(map(str, sorted(PORTS)))}.")
    literal = _literal(parts.hostname)
    if literal is not None and not is_public(literal):
        raise InvalidError("url: this address is not on the public internet.")


async def resolve(url: str, *, private: bool) -> Place:
    """Where to connect to. Raises `AddressRefusedError` where the name has no address, or one that is not
    public.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefusedError("the name has no address") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not addresses or not (private or all(is_public(each) for each in addresses)):
        raise AddressRefusedError("the name leads to an address that is not public")
    return Place(parts.hostname, addresses[0], port)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when it is an IPv4 address in disguise."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
