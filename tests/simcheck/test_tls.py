from __future__ import annotations

import ssl

from simcheck.tls import trusted


def test_strangers_are_not_trusted_and_the_authorities_are_read_once():
    context = trusted()
    assert context is trusted()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 50
