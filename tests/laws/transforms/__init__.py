"""The table of maps, one file a kind; the laws of tests/laws/test_transforms.py hold for every row."""

from tests.laws.transforms import flows
from tests.laws.transforms.row import Row

ROWS: dict[str, Row] = {**flows.ROWS}
LEARNT: dict[str, Row] = {**flows.LEARNT}  # those that have parameters
CONDITIONAL = {**flows.CONDITIONAL}  # families of maps, each with the shape of an event
