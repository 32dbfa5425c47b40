"""What `app.models` says, a table for each of its parts."""

from __future__ import annotations

from app.words.sentences.models import graphs, imports, library, pictures, sources

TABLES = (library, imports, graphs, pictures, sources)
