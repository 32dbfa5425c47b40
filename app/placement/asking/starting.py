"""How the planning process is begun."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

_SETTINGS: Final = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    **dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(1 << 30)),
}
"""Arrays of 15 MB are made and dropped at every step: asked of the system anew each time, their
pages would take longer than what is computed with them."""


def started() -> subprocess.Popen[bytes]:
    """Return a process that answers over its own two pipes."""
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", __package__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # an interrupt from the terminal is the rack's to act on
        env=os.environ | _SETTINGS,
    )
