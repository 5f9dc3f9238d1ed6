"""From which address, and with which browser somebody asks."""

from __future__ import annotations

from starlette.requests import Request

# Looked for in this order: most browsers also name those that they want to be taken for.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrom": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iOS",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


def address(request: Request, proxies: int) -> str:
    """The client's address, or "unknown": what limits are counted by, as a keyed token.

    With `proxies` reverse proxies of ours in front, each adds the address it was asked from at the end of
    X-Forwarded-For: the client's is that many from the end, and what stands before it could be anything.
    """
    told = request.client.host if request.client else ""
    if proxies:
        hops = [each.strip() for each in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        told = hops[-proxies] if len(hops) >= proxies else ""
    return told or "unknown"


def agent(request: Request) -> str:
    """The kind of browser and system, such as "Firefox, Windows", out of words of ours; empty where
    unknown.
    """
    told = request.headers.get("user-agent", "")
    found = (
        next((name for sign, name in table.items() if sign in told), "") for table in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, found))
