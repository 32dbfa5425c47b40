"""The control centre, the only room that imports Qt: paints snapshots, sends commands."""
