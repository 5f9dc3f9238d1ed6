"""What turns a carrier's own file into declared rows, and back.

profile.py    what is known of a carrier's files, read from its `carrier.toml`
registry.py   the carriers there are, built in and by entry point
base.py       `Adapter` and `Reading`: the shape in which every file is read
adapter.py    the adapter that a profile alone describes: looks at the content, picks a reader
readers/      one file format each: delimited text, JSON lines, fixed width, workbooks, Parquet
values.py     a carrier's words for ours
writing.py    declared rows written in a carrier's own format (writing_workbook.py: the Excel part)

How to add a carrier: docs/adapters.md.
"""
