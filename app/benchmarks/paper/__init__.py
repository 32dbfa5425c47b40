"""LinguaLinked's own figures (arXiv 2312.00388), each measured beside what this program does."""
