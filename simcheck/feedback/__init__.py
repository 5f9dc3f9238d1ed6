"""What goes back to a carrier: its rows that are not verified, kept until the carrier has them.

`make.py` writes a file's rows into the lake, sealed; `formats.py` turns them into CSV, XLSX or Parquet while
they are sent by `download.py`; `ledger.py` says which files there are, and takes the acknowledgement.
"""
