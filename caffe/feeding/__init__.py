"""From a file or a database to the batches of a data layer."""
