"""What `app.models` says, a table for each of its parts."""

from __future__ import annotations

from app.words.sentences.models import graphs, imports, library, sources

TABLES = (library, imports, graphs, sources)
