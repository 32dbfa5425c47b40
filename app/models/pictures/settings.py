"""What stands beside a checkpoint about pictures: how they are brought into the form it takes."""

from __future__ import annotations

from pathlib import Path

from app.models.configuration import Configuration

SECTION = "pictures"
"""Where the settings are put in the checkpoint's configuration."""
PICTURE_FILES = ("preprocessor_config.json", "processor_config.json")
"""The first that there is counts; in the second, of newer folders, they stand in a section."""
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
    settings, processor = (folder / name for name in PICTURE_FILES)
    if settings.is_file():
        return Configuration.from_file(settings)
    if processor.is_file():
        return Configuration.from_file(processor).section(_PROCESSOR_SECTION)
    return None
