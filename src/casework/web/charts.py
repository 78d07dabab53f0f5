"""Charts as SVG, made on the server. Their colours and sizes are the style sheet's; each says in words what it shows."""

from collections.abc import Sequence
from math import sqrt

from markupsafe import Markup

from casework.core.timeline import Stage
from casework.service.figures import Minute
from casework.web.formats import duration, number

_HEIGHT = 28
_BAR, _STEP = 3, 4
_ROW = Markup(
    '<svg class="chart minutes" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" aria-label="{label}">{bars}</svg>'
)
_RECT = Markup('<rect class="{name}" x="{x}" y="{y:.1f}" width="{width}" height="{height:.1f}"/>')


def minutes(found: Sequence[Minute]) -> Markup:
    """What ended in each minute: failed runs at the bottom of each bar, others above."""
    most = max((minute.ended for minute in found), default=0)
    bars = []
    for place, minute in enumerate(found):
        at = float(_HEIGHT)
        for name, count in (("failed", minute.failed), ("done", minute.ended - minute.failed)):
            if count:
                # What failed must be seen, even one among thousands.
                height = max(count / most * _HEIGHT, 1.5)
                at -= height
                bars.append(_RECT.format(name=name, x=place * _STEP, y=max(at, 0), width=_BAR, height=height))
    ended, failed = sum(one.ended for one in found), sum(one.failed for one in found)
    label = f"Runs that ended in the last hour: {number(ended)}, of which {number(failed)} failed; at most {number(most)} in a minute."
    return _ROW.format(width=len(found) * _STEP, height=_HEIGHT, label=label, bars=Markup("").join(bars))


_WIDTH = 1000.0
_LEAST = 14.0
_STAGE = Markup(
    '<g class="stage {status}"><title>{title}</title>'
    '<rect x="{x:.1f}" y="0" width="{width:.1f}" height="16" rx="3"/></g>'
)
_PATH = Markup(
    '<svg class="chart path" viewBox="0 0 1000 16" preserveAspectRatio="none" role="img" aria-label="{label}">{stages}</svg>'
)
MOST_STAGES = 60
"""Stages of a chart. The history below it has all of them."""


def path(found: Sequence[Stage]) -> Markup:
    """The way of a case through its statuses. Widths grow with the root of the time, so that a second beside a day is
    seen; what has ended takes the least width."""
    shown = found[-MOST_STAGES:]
    weights = [0.0 if stage.has_ended else sqrt(stage.lasts.total_seconds()) for stage in shown]
    room = _WIDTH - _LEAST * len(shown)
    whole = sum(weights) or 1.0
    at, parts = 0.0, []
    for stage, weight in zip(shown, weights, strict=True):
        width = _LEAST + room * weight / whole
        parts.append(
            _STAGE.format(status=stage.status or "settled", title=in_words(stage), x=at, width=max(width - 3, 2))
        )
        at += width
    label = "; ".join(in_words(stage) for stage in shown)
    return _PATH.format(label=label, stages=Markup("").join(parts))


def in_words(stage: Stage) -> str:
    """A stage in words: `claimed by clerk for 3.2 s`."""
    status = str(stage.status or "settled").replace("_", " ")
    who = f" by {stage.agent_name}" if stage.agent_name else ""
    if stage.has_ended:
        return status
    return f"{status}{who} for {duration(stage.lasts)}{' so far' if stage.is_last else ''}"


_USE = Markup(
    '<svg class="chart use" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{label}">'
    '<rect class="room" x="0" y="0" width="100" height="8" rx="2"/><rect class="used" x="0" y="0" width="{used:.1f}" height="8" rx="2"/></svg>'
)


def use(used: int, of: int | None) -> Markup:
    """How many of a consumer's slots are in use."""
    if of is None:
        return Markup("")
    return _USE.format(label=f"{used} of {of} slots in use", used=min(100.0, used / of * 100))
