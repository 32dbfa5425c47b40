"""What stands beside a checkpoint about pictures: how they are brought into the form it takes."""

from __future__ import annotations

from pathlib import Path

from app.models.configuration import Configuration

SECTION = "pictures"
"""Where the settings are put in the checkpoint's configuration."""
SETTINGS_FILE = "preprocessor_config.json"
PROCESSOR_FILE = "processor_config.json"
"""Newer folders have them there, in a section."""
_PROCESSOR_SECTION = "image_processor"


def with_picture_settings(configuration: Configuration, folder: Path) -> Configuration:
    """Return the configuration with a section `pictures` where the folder says how they come.

    Raises `BadInputError` for files that cannot be read.
    """
    if configuration.section("vision_config") is None:
        return configuration
    settings = _settings(folder)
    if settings is None:
        return configuration
    return Configuration({**configuration.values, SECTION: dict(settings.values)})


def _settings(folder: Path) -> Configuration | None:
    if (folder / SETTINGS_FILE).is_file():
        return Configuration.from_file(folder / SETTINGS_FILE)
    if (folder / PROCESSOR_FILE).is_file():
        return Configuration.from_file(folder / PROCESSOR_FILE).section(_PROCESSOR_SECTION)
    return None
