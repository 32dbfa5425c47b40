"""Rounding to four bits by what a text needs: a layer is run, watched, rounded, run again."""
