"""Audits on a Dask cluster."""
