"""What `app.rack` says, a table for each of its wings."""

from __future__ import annotations

from app.words.sentences.rack import file, phones, requests, whole

TABLES = (whole, file, phones, requests)
