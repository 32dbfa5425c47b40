"""The main window: header, docks, menus, palette, timeline, log."""
