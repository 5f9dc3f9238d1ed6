from __future__ import annotations

import gzip
import io
import os
import time

import pyarrow as pa
import pytest

from simcheck.errors import FileRefusedError

HEADER = b"msisdn,id_number,full_name,date_of_birth\n"
MIB = 1 << 20


def zstd(data: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return out.getvalue().to_pybytes()


PACK = {"gzip": gzip.compress, "zstd": zstd}
RANDOM = HEADER + b"".join(b"%s,2,3,4\n" % os.urandom(9).hex().encode() for _ in range(50_000))


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_archives_are_read_whatever_their_name(read, pack):
    for chunk_bytes in (8 * MIB, 100):
        rows, reading = read(pack(HEADER + b"1,2,3,4\n5,6,7,8\n"), chunk_bytes=chunk_bytes)
        assert [row["msisdn"] for row in rows] == ["1", "5"]
    rows, reading = read(pack(HEADER + b"1,2,3,4\n") + pack(b"5,6,7,8\n"))
    assert len(rows) == 2
    assert reading.bytes_total < 200


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.999])
def test_a_truncated_archive_is_refused(read, pack, keep):
    whole = pack(RANDOM)
    with pytest.raises(FileRefusedError, match="ends early"):
        read(whole[: int(len(whole) * keep)])


def test_a_damaged_archive_is_refused(read):
    whole = bytearray(gzip.compress(RANDOM))
    whole[-6] ^= 1  # the checksum
    with pytest.raises(FileRefusedError, match="is damaged"):
        read(bytes(whole))
    with pytest.raises(FileRefusedError, match="is damaged"):
        read(gzip.compress(RANDOM) + b"rubbish")


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_an_archive_of_nothing_is_empty(read, pack):
    with pytest.raises(FileRefusedError, match="is empty"):
        read(pack(b""))


def test_an_archive_in_an_archive_is_named(read):
    with pytest.raises(FileRefusedError, match="holds a gzip archive"):
        read(gzip.compress(gzip.compress(HEADER)))
    with pytest.raises(FileRefusedError, match="holds an Excel workbook"):
        read(gzip.compress(b"PK\x03\x04" + bytes(100)))


@pytest.mark.parametrize("byte", [b"\0", b"\n", b"1,2,3,4\n"])
def test_a_bomb_is_refused_at_once(read, byte):
    begun = time.monotonic()
    member = gzip.compress(byte * (16 * MIB // len(byte)))
    with pytest.raises(FileRefusedError, match="expands to more than 200 times its size"):
        read(gzip.compress(HEADER) + member * 1024)
    assert time.monotonic() - begun < 20


def test_what_expands_far_but_is_small_is_read(read):
    rows, reading = read(gzip.compress(HEADER + b"1,2,3,4\n" * 1_000_000), columns=("msisdn",))
    assert len(rows) == 1_000_000
    assert reading.bytes_total * 200 < 8_000_000


def test_what_is_large_but_does_not_expand_far_is_read(read):
    # 80 MB out of 8 MB: beyond the size, far from the ratio.
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(HEADER)
        for _ in range(8):
            file.write((os.urandom(40_000).hex().encode() + b",2,3,4\n" + b"1,2,3,4\n" * 1_240) * 100)
    rows, reading = read(packed.getvalue(), columns=())
    assert reading.rows == len(rows) == 8 * 100 * 1_241


def test_a_missing_file_a_folder_and_a_pipe(read, tmp_path):
    with pytest.raises(FileRefusedError, match="No such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(FileRefusedError, match="not a regular file"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileRefusedError, match="not a regular file"):
        read(tmp_path / "pipe")
