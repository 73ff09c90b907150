"""The table of maps, one file a kind; the laws of tests/laws/test_transforms.py hold for every row."""

from tests.laws.transforms import fixed, flows, formulas
from tests.laws.transforms.row import Row

ROWS: dict[str, Row] = {**fixed.ROWS, **flows.ROWS, **formulas.ROWS}
LEARNT: dict[str, Row] = {**flows.LEARNT, **formulas.LEARNT}  # those that have parameters
CONDITIONAL = {**flows.CONDITIONAL, **formulas.CONDITIONAL}  # families of maps, each with the shape of an event
