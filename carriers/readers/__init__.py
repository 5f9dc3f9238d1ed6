"""One file format each, from bytes to columns of text.

content.py      what a file is, by its first bytes
stream.py       its bytes, decompressed and bounded; its text encoding
framing.py      where its rows begin and end, and which of them cannot be read
decoding.py     those that can, as UTF-8
legacy.py       the Vietnamese single-byte encodings
header.py       which of its columns is which of ours
cells.py        typed columns as text
delimited.py  json_lines.py  fixed_width.py  workbook.py  parquet.py
"""
