"""The map as it is painted and dragged: cells, bars, seams, ghosts, the travelling dot."""
