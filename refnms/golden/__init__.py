"""Golden vectors: numbers that any implementation of the model can be held against.

`files/` has them, made by an arbiter of many digits; see `docs/golden.md`. This room needs nothing
but Python itself.
"""

from refnms.golden.compare import Comparison as Comparison
from refnms.golden.compare import Wrong as Wrong
from refnms.golden.compare import compare as compare
from refnms.golden.numbers import names as names
from refnms.golden.numbers import text as text
