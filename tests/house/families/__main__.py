"""Write the tables, and with ``--pictures`` the pictures."""

from __future__ import annotations

import sys

from tests.house.families.page import write

if "--pictures" in sys.argv:
    from tests.house.families.pictures import draw

    draw()
write()
