"""From which address somebody asks: what limits are counted by, as a keyed token."""

from __future__ import annotations

from starlette.requests import Request


def address(request: Request, proxies: int) -> str:
    """The client's address, or "unknown".

    With `proxies` reverse proxies of ours in front, each adds the address it was asked from at the end of
    X-Forwarded-For: the client's is that many from the end, and what stands before it could be anything.
    """
    told = request.client.host if request.client else ""
    if proxies:
        hops = [each.strip() for each in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        told = hops[-proxies] if len(hops) >= proxies else ""
    return told or "unknown"
