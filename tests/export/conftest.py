"""What the tests of exports have in common."""

from support.translations import translations_are_read_once

__all__ = ["translations_are_read_once"]
