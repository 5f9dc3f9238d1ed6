"""A file as a stream of bytes: decompressed, bounded, and its text encoding recognised.

An archive may be a bomb: a few kilobytes that expand to many gigabytes. One that has given more than
`EXPANSION_BYTES` and more than `EXPANSION_RATIO` times what was read of it is refused at that moment.
Real subscriber files shrink to a fifth or a tenth, so the limit is far from any of them.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import chain

import pyarrow as pa

from carriers.base import Reading
from carriers.readers import legacy
from carriers.readers.content import Content, content_of, kind_of

EXPANSION_RATIO = 200
EXPANSION_BYTES = 64 << 20
HEAD_BYTES = 1 << 20  # what is looked at to recognise the encoding
_CODEC = {Content.GZIP: "gzip", Content.ZSTD: "zstd"}
_UTF16 = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


def blocks(reading: Reading) -> Iterator[bytes]:
    """The file's bytes, decompressed, in blocks of at most `reading.chunk_bytes`.

    Raises FileRefusedError for an archive that ends early, is damaged, or expands beyond the limit.
    """
    codec = _CODEC.get(content_of(reading.file))
    with reading.file.open() as raw:
        stream = pa.CompressedInputStream(raw, codec) if codec else raw
        given = 0
        while block := _next(reading, stream, codec):
            given += len(block)
            reading.bytes_read = raw.tell()
            if codec and given > EXPANSION_BYTES and given > EXPANSION_RATIO * reading.bytes_read:
                raise reading.refuse(
                    f"expands to more than {EXPANSION_RATIO} times its size, as no subscriber file does",
                    "Send the file uncompressed",
                )
            yield block


def _next(reading: Reading, stream: pa.NativeFile, codec: str | None) -> bytes:
    try:
        block: bytes = stream.read(reading.chunk_bytes)
    except OSError as error:
        if codec is None:
            raise
        ends_early = "Truncated" in str(error)
        cause = f"is a {codec} archive that " + ("ends early" if ends_early else "is damaged")
        raise reading.refuse(cause, "Send it again") from error
    return block


def text_blocks(reading: Reading) -> Iterator[bytes]:
    """The file's bytes in an encoding in which ASCII is ASCII; sets `reading.encoding`.

    UTF-16 becomes UTF-8 here; a byte-order mark is dropped. Everything else passes as it is, to be
    decoded row by row. Raises FileRefusedError when there is nothing in the file, or no text.
    """
    source = blocks(reading)
    head = b""
    while len(head) < HEAD_BYTES and (block := next(source, b"")):
        head += block
    kind = kind_of(head)
    if kind is not Content.TEXT:
        raise reading.refuse(f"holds {kind.value}, not text", "Unpack it and send what is in it")
    reading.encoding = _encoding(head[:HEAD_BYTES], reading.profile.encodings)
    head = head.removeprefix(_UTF16.get(reading.encoding, codecs.BOM_UTF8))
    if not head:
        raise reading.refuse("is empty", "Send the file again")
    step = reading.chunk_bytes
    whole = chain((head[start : start + step] for start in range(0, len(head), step)), source)
    return _from_utf16(whole, reading.encoding) if reading.encoding in _UTF16 else whole


def _from_utf16(source: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for block in source:
        yield decoder.decode(block).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _encoding(head: bytes, declared: tuple[str, ...]) -> str:
    """The encoding of a text that begins with `head`: by its mark, else the likeliest declared one."""
    for name, mark in _UTF16.items():
        if head.startswith(mark):
            return name
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if "utf-16" in declared:
        # Without a mark, every second byte of a header in Latin letters is zero.
        zeros = (head[0:64:2].count(0), head[1:64:2].count(0))
        if max(zeros) > 8:
            return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    eight_bit = [name for name in declared if name in legacy.TABLES]
    if not eight_bit or _is_utf8(head):
        return "utf-8"
    return max(["utf-8", *eight_bit], key=lambda name: legacy.likelihood(head, name))


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
