"""LinguaLinked's second optimisation, alive: when layers move by themselves, and when they stay.

Pure: what was measured comes in, with what is believed so far; what is believed now goes out.
"""
