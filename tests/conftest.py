"""Lets every test file say `from tests.building import ...`, however pytest was started.

No property test has a deadline: the first to call a kernel waits for its compilation.
"""

import sys
from pathlib import Path

from hypothesis import settings

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

settings.register_profile("kernels", deadline=None)
settings.load_profile("kernels")
