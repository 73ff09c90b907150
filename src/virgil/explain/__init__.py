"""Reading a model and a guide: the report on how they fit together, and the drawing of a model."""

from virgil.explain.examine import explain
from virgil.explain.render import Drawing, render_model
from virgil.explain.report import Report
from virgil.explain.row import PlateRow, Row, Statement

__all__ = ["Drawing", "PlateRow", "Report", "Row", "Statement", "explain", "render_model"]
