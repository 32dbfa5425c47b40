"""Treating a phone well: awake while it works, as it was afterwards, and easy to find."""

from __future__ import annotations

from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.deployment import care_scripts, phone_scripts
from app.devices.deployment.phone_files import PhoneFiles


class PhoneCare:
    """Used by one thread at a time; every method raises `PhoneRefusedError`, `PhoneLostError`."""

    def __init__(self, link: PhoneLink, serial: Serial) -> None:
        self._files = PhoneFiles(link, serial)

    def keep_awake(self) -> None:
        """Keep the phone from sleeping on its charger, its screen dark, until `let_sleep`."""
        self._files.run(care_scripts.keep_awake())

    def let_sleep(self) -> None:
        """Set again what the phone's owner had set, where `keep_awake` has changed it."""
        self._files.run(care_scripts.let_sleep(), phone_scripts.NO_FOLDER_EXIT_CODE)

    def identify(self) -> None:
        """Wake the screen and let it blink for two seconds."""
        self._files.run(care_scripts.identify())
