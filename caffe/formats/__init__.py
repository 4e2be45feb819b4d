"""Readers and writers of file formats that trust no file: LMDB, LevelDB, HDF5."""
