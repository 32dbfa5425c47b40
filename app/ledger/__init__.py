"""The record of who did what: journal, accounts, stakes, slashes, reputation."""
