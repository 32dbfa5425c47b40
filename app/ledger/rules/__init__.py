"""What an entry does to the state: accounts, stakes, penalties, settlement."""
