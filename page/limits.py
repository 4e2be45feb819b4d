"""What the page takes: everything beyond is refused before it costs anything."""

UPLOAD_BYTES = 20 * 2**20
UPLOAD_PIXELS = 50_000_000  # of an upload, told by its header before it is decoded
NET_PIXELS = 2_000_000  # of what a net labels, once it is made smaller
SIDES = (16, 4096)  # the smallest and largest longer side that may be asked for
QUEUE = 16  # pictures that wait for the one that is labelled
# Of Pillow's formats those of photographs: others run programs (EPS) or are seldom tested.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
