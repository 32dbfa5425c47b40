"""What `app.models` says of pictures that come with a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "model.sees_nothing": message("{model} does not see: it takes no pictures."),
    "picture.animated": message("The picture moves: only single pictures are read."),
    "picture.damaged": message("The picture is damaged: {reason}."),
    "picture.file_too_large": message("The picture's file is larger than {most_mib} MiB."),
    "picture.files_too_large": message(
        "The pictures' files are larger than {most_mib} MiB together."
    ),
    "picture.marks": message(
        "The text has {found} marks of pictures ({mark}), but {pictures} pictures came with it."
    ),
    "picture.none": message("This is no picture of a form that is read ({known})."),
    "picture.odd_colours": message(
        "The picture's colours ({mode}) are not of eight bits each, which alone are read."
    ),
    "picture.places": message(
        "The text has {found} places of {rows} tokens for pictures; {squares} are wanted."
    ),
    "picture.rows": message("A place for a picture in the text is not of {rows} tokens."),
    "picture.too_many": message("A request takes at most {most} pictures."),
    "picture.too_many_pixels": message("The picture has more than {most:,} pixels."),
    "picture.too_many_pixels_of": message(
        "The picture has {width:,} x {height:,} pixels; at most {most:,} are read."
    ),
    "picture.too_narrow": message(
        "The picture has {width:,} x {height:,} pixels; "
        "its longer edge may be {most} times the other at most."
    ),
    "picture.unusable_file": message("{name} cannot be used: {reason}."),
    "picture.unreadable": message("Cannot read the picture {path}: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "model.sees_nothing": message("Use a model that sees, such as SmolVLM."),
    "picture.animated": message("Save one of its pictures by itself."),
    "picture.too_many": message(
        "Show fewer: those of earlier messages of a conversation count too."
    ),
    "picture.odd_colours": message("Save it as PNG or JPEG with eight bits a colour."),
    "picture.too_many_pixels": message("Make it smaller first."),
    "picture.too_many_pixels_of": message("Make it smaller first."),
    "picture.too_narrow": message("Cut out the part that matters."),
}
