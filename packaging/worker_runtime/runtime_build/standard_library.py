"""Which modules of the standard library a phone does without.

Named are those left out: what the worker imports is a third of the library, and whatever one of
its parts may still import in an odd moment, to report an error for example, stays.
"""

from __future__ import annotations

from pathlib import PurePosixPath

_FOLDERS = """
    __phello__ config-3.11 curses dbm dist-packages distutils ensurepip html http idlelib
    lib-dynload lib2to3 msilib multiprocessing pydoc_data site-packages sqlite3 test tkinter
    tomllib turtledemo unittest venv wsgiref xml xmlrpc zoneinfo
"""
_MODULES = """
    _aix_support _markupbase _osx_support _pydecimal _pyio aifc antigravity asynchat asyncore bdb
    cProfile cgi cgitb chunk cmd code codeop colorsys configparser crypt doctest filecmp fileinput
    ftplib getpass imaplib imghdr mailbox mailcap modulefinder netrc nntplib nturl2path optparse pdb
    pickletools pipes plistlib poplib profile pstats pyclbr pydoc rlcompleter sched shelve smtpd
    smtplib sndhdr socketserver sre_compile sre_constants sre_parse sunau symtable tabnanny
    telnetlib this trace turtle uu wave webbrowser xdrlib zipapp
"""
_UNUSED_FOLDERS = frozenset(_FOLDERS.split())
_UNUSED_MODULES = frozenset(_MODULES.split())
_BUILD_FACTS = "_sysconfigdata_"
_ENCODINGS = frozenset({"__init__", "aliases", "ascii", "cp437", "idna", "latin_1", "punycode"})
"""Of the many, those that names, sockets and archives need, besides all of Unicode's."""
_UNICODE = ("utf_", "unicode_", "raw_unicode_")


def is_used(path: PurePosixPath) -> bool:
    """Tell whether a module, by its path in the library, belongs on a phone."""
    top = path.parts[0]
    if len(path.parts) == 1:
        return path.stem not in _UNUSED_MODULES and not path.stem.startswith(_BUILD_FACTS)
    if top == "encodings":
        return path.stem in _ENCODINGS or path.stem.startswith(_UNICODE)
    return top not in _UNUSED_FOLDERS and "tests" not in path.parts
