"""How templates become pages and tables: the report's own, and those of packages that write in its look."""

from typing import Any

from selfj.evaluate.report.formats import FILTERS


def environment(*packages: str, escape: bool = True, **filters: Any) -> Any:
    """Jinja with the `templates` of packages, then the report's, and its ways to write numbers; `filters` are further ones.

    With `escape` every text from data is escaped. A name that no template was given is an error.
    """
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package) for package in (*packages, "selfj.evaluate.report")]),
        autoescape=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS, **filters)
    return made
