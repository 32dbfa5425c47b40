"""Where the files that come with the program lie: demo model, racks, icons, presets, sample text.

A wheel carries the checkout's folder `assets` as `app/assets` (setup.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PROGRAM: Final = Path(__file__).resolve().parents[1]
_INSTALLED: Final = _PROGRAM / "assets"
_CHECKOUT: Final = _PROGRAM.parent / "assets"
ASSETS: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
_BUILDER: Final = _PROGRAM / "runtime_builder"
RUNTIME_BUILDER: Final = (
    _BUILDER if _BUILDER.is_dir() else _PROGRAM.parent / "packaging" / "worker_runtime"
)
"""What builds the runtime for phones; a program of its own, started as one."""
NEEDED: Final = (
    "calibration/languages.txt",
    "demo_model/config.json",
    "demo_model/model.safetensors",
    "demo_model/tokenizer.json",
    "demo_model/tokenizer_config.json",
    "icons/shardloom.svg",
    "presets.toml",
    "racks/demo.toml",
    "sample_text/gettysburg_address.txt",
    "translations/ja/LC_MESSAGES/shardloom.mo",
    "udev/70-android-adb.rules",
)
"""Without these some command fails; racks but the demo's are examples."""


def missing_assets(folder: Path = ASSETS) -> tuple[str, ...]:
    """Return the needed files that a folder lacks, relative to it."""
    return tuple(name for name in NEEDED if not (folder / name).is_file())
