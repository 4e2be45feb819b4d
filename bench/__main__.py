import sys

if __name__ == "__main__":  # the bench's own processes import this file, and should import no more
    from .cli import main

    sys.exit(main())
