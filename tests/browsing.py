"""What tests of the pages stand on: forms out of pages, and Debian's Chromium."""

from __future__ import annotations

import re

import httpx


def token_in(page: httpx.Response) -> str:
    """The token that a page's forms carry."""
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]
