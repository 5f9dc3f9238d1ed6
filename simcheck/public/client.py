"""Whose address asks, as limits count it: never kept, always as a keyed token."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

from simcheck.privacy import Keyring

# A household or phone has a whole /64 of IPv6 addresses, and could use another one for each try.
_OF_ONE_CLIENT = 64


def address(request: Request, proxies: int) -> str:
    """The client's address (IPv6: its /64), or "unknown".

    With `proxies` reverse proxies of ours in front, each adds the address it was asked from at the end of
    X-Forwarded-For: the client's is that many from the end, and what stands before it could be anything.
    """
    told = request.client.host if request.client else ""
    if proxies:
        hops = [each.strip() for each in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        told = hops[-proxies] if len(hops) >= proxies else ""
    try:
        read = ip_address(told)
    except ValueError:
        return "unknown"
    if isinstance(read, IPv6Address):
        if read.ipv4_mapped is not None:
            return str(read.ipv4_mapped)
        return str(ip_network((read, _OF_ONE_CLIENT), strict=False))
    return str(read)


def key(request: Request, keyring: Keyring, proxies: int) -> str:
    """The token of the client's address, in hexadecimal: the subject of limits."""
    return keyring.token("client_address", address(request, proxies)).hex()
