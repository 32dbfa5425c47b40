"""Builds what a phone needs to run the worker: a loader, CPython and the worker's libraries.

Standard library only. docs/worker-runtime.md tells what is in it and why.
"""
