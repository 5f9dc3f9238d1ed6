"""Where the `simcheck` command begins: what must be settled before anything large is loaded."""

from __future__ import annotations

import gc
import os

_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Load the command and run it.

    Modules make many objects and no garbage, so the collector waits until all are loaded and never looks at
    them again; nor do words need it, which come by the ten thousand and stay. numpy's own threads are for
    matrices, of which there are none here.
    """
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from simcheck import cli  # noqa: PLC0415

    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
