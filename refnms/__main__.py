"""`python -m refnms` is `refnms`."""

from __future__ import annotations

import sys

from refnms.cli import main

sys.exit(main())
