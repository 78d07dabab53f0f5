"""The templates."""

import jinja2

from casework.web import charts, formats, markdown
from casework.web.assets import Assets
from casework.wording import command


def make_environment(assets: Assets) -> jinja2.Environment:
    """Templates that escape everything, and that fail for a name that does not exist."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("casework.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=formats.shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": formats.duration,
        "time": formats.time,
        "clock": formats.clock,
        "number": formats.number,
        "short": formats.short,
        "data": formats.data,
        "plain": formats.plain,
        "field": formats.field,
        "markdown": markdown.render,
        "minutes": charts.minutes,
        "use": charts.use,
        "said": formats.said,
    }
    environment.globals |= {"assets": assets, "command": command}
    return environment
