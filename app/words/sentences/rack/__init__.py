"""What `app.rack` says, a table for each of its wings."""

from __future__ import annotations

from app.words.sentences.rack import (
    door,
    experiments,
    file,
    phones,
    replicas,
    requests,
    standard,
    whole,
)

TABLES = (whole, door, experiments, file, phones, replicas, requests, standard)
