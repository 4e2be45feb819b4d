"""Weights and solver states in Caffe's files."""
