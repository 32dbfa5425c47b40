"""Sentences and labels in every language there is; facts go in, words come out. No Qt."""
