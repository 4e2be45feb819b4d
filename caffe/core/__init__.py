"""What everything stands on: errors, files, devices, random numbers, memory and blobs."""
