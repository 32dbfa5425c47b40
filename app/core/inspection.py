"""What a phone itself tells of its work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PhoneInspection:
    """Lines as the phone gave them, the newest last; empty where it gave none."""

    worker_log: tuple[str, ...]
    android_log: tuple[str, ...]
    files: tuple[str, ...]
