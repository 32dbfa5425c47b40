"""Who runs audits: this process, or workers of a Dask cluster."""
