"""``python -m micrograd_bp``: the command line."""

import sys

from .book.command_line import main

if __name__ == "__main__":
    sys.exit(main())
