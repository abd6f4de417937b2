"""Kaldi's and OpenFst's files, and the graph that Vosk decodes with, written without either."""
