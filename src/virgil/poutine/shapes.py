"""The table of shapes, aligned by plate and event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor

from virgil.poutine.site import Site

__all__ = ["shape_table"]

# label, name, and sizes left and right of the bar; no sizes for a heading
Row = tuple[str, str, Sequence[object], Sequence[object]]


def _param_rows(site: Site) -> list[Row]:
    return [("", site.name, (), tuple(site.value.shape))] if isinstance(site.value, Tensor) else []


def _sample_rows(site: Site) -> list[Row]:
    batch, event = tuple(site.fn.batch_shape), tuple(site.fn.event_shape)
    rows: list[Row] = [(site.name, "dist", batch, event)]
    if isinstance(site.value, Tensor):
        shape, event_dim = tuple(site.value.shape), len(event)
        split = max(len(shape) - event_dim, 0)
        rows.append(("", "value", shape[:split], shape[split:]))
        if site.unscaled_log_prob_is_known:
            rows.append(("", "log_prob", tuple(site.unscaled_log_prob.shape), ()))
    return rows


def shape_table(sites: Iterable[Site], title: str = "Trace Shapes:", last_site: str | None = None) -> str:
    """The table: a line for each distribution, value and log-probability, with all dims aligned at ``|``."""
    groups: dict[str, list[Row]] = {"Param Sites:": [], "Sample Sites:": []}
    for site in sites:
        if site.kind == "param":
            groups["Param Sites:"] += _param_rows(site)
        elif site.kind == "sample":
            groups["Sample Sites:"] += _sample_rows(site)
        elif site.kind == "plate":
            groups["Sample Sites:"].append((site.name, "plate", (len(site.value),), ()))
        if site.name == last_site:
            break
    rows = [row for group in groups.values() for row in group]
    if not rows:
        return title
    left = max(len(batch) for _, _, batch, _ in rows)
    right = max(len(event) for _, _, _, event in rows)
    names = max(len(label) for label, _, _, _ in rows)
    kinds = max(len(kind) for _, kind, _, _ in rows)
    size = max((len(str(each)) for _, _, batch, event in rows for each in (*batch, *event)), default=1)
    lines = [title]
    for heading, members in groups.items():
        if members:
            lines.append(f" {heading}")
        for label, kind, batch, event in members:
            batch_cells = [""] * (left - len(batch)) + [str(each) for each in batch]
            event_cells = [str(each) for each in event] + [""] * (right - len(event))
            cells = (
                [f"{cell:>{size}}" for cell in (*batch_cells,)] + ["|"] + [f"{cell:>{size}}" for cell in event_cells]
            )
            lines.append(f"{label:>{names + 2}} {kind:<{kinds}} {' '.join(cells)}".rstrip())
    return "\n".join(lines)
