"""What a file is, by its first bytes; its name proves nothing."""

from __future__ import annotations

from enum import Enum

from carriers.base import File


class Content(Enum):
    """A kind of content; the value completes the sentence "the file is ..."."""

    TEXT = "text"
    GZIP = "a gzip archive"
    ZSTD = "a zstd archive"
    PARQUET = "a Parquet file"
    PARQUET_ENCRYPTED = "an encrypted Parquet file"
    ZIP = "an Excel workbook or another zip archive"
    OLE2 = "an old or password-protected Office file"
    BZIP2 = "a bzip2 archive"
    XZ = "an xz archive"
    SEVEN_ZIP = "a 7-Zip archive"
    RAR = "a RAR archive"
    PDF = "a PDF document"
    ORC = "an ORC file"
    AVRO = "an Avro file"
    ARROW = "an Arrow file"
    SQLITE = "an SQLite database"

    @property
    def may_be_text(self) -> bool:
        """Whether text may come out of it."""
        return self in {Content.TEXT, Content.GZIP, Content.ZSTD}


# First bytes as their specifications give them; gzip: RFC 1952, zstd: RFC 8878, zip: APPNOTE 6.3,
# OLE2: [MS-CFB] 2.2, Parquet: its format's "File format" section.
_FIRST_BYTES = (
    (b"\x1f\x8b", Content.GZIP),
    (b"\x28\xb5\x2f\xfd", Content.ZSTD),
    (b"PAR1", Content.PARQUET),
    (b"PARE", Content.PARQUET_ENCRYPTED),
    (b"PK\x03\x04", Content.ZIP),
    (b"PK\x05\x06", Content.ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Content.OLE2),
    (b"BZh", Content.BZIP2),
    (b"\xfd7zXZ\x00", Content.XZ),
    (b"7z\xbc\xaf\x27\x1c", Content.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Content.RAR),
    (b"%PDF-", Content.PDF),
    (b"ORC", Content.ORC),
    (b"Obj\x01", Content.AVRO),
    (b"ARROW1\x00", Content.ARROW),
    (b"SQLite format 3\x00", Content.SQLITE),
)
# Words in place of a signature: a header may begin with these letters, so what follows must not be text.
_LETTERS_ONLY = {Content.ORC, Content.PARQUET, Content.PARQUET_ENCRYPTED, Content.BZIP2}


def kind_of(head: bytes) -> Content:
    """The kind of content that begins with `head`, a few dozen bytes or more."""
    for signature, content in _FIRST_BYTES:
        if head.startswith(signature):
            follows = head[len(signature) : 32]
            if (
                content in _LETTERS_ONLY
                and follows
                and all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in follows)
            ):
                continue
            return content
    return Content.TEXT


def content_of(file: File) -> Content:
    """The kind of content of a file. Raises OSError when it cannot be opened."""
    with file.open() as stream:
        return kind_of(stream.read(64))
