"""What `app.devices` says, a table for each of its wings."""

from __future__ import annotations

from app.words.sentences.devices import adb, deployment, discovery, links

TABLES = (adb, links, discovery, deployment)
