"""An open rack for other programs of its owner: a socket below the home, commands, what is seen."""
