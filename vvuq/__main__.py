"""`python -m vvuq` is the command line."""

import sys

from vvuq.cli import main

if __name__ == "__main__":
    sys.exit(main())
