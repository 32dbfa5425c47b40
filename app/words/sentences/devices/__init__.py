"""What `app.devices` says, a table for each of its wings."""

from __future__ import annotations

from app.words.sentences.devices import adb, deployment, links

TABLES = (adb, links, deployment)
