"""Nets as their authors published them: the prototxt's text, as narrow as a test likes.

Written from the papers and from what is known of the files, with the forks' own fields, types and
spellings. `width` is the part of the channels that is left; 1 is the published net.
"""
