# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences with values in them, found again by the sentence that they were made of.

The library says what it refuses in English, its values filled in.  Here ``Saved /tmp/a.png`` is known as ``Saved {}``
with one value, which is what the table of translations is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache


class Phrases:
    """Templates with ``{}`` where a value stood."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._templates = templates
        self.match = lru_cache(maxsize=512)(self._match)

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        """Made when first needed: enabling the add-on must not wait for them."""
        found = sorted((t for t in self._templates if "{}" in t), key=lambda t: -len(t.replace("{}", "")))
        return [(t, re.compile("(.*?)".join(map(re.escape, t.split("{}"))), re.DOTALL)) for t in found]

    def _match(self, text: str) -> tuple[str, tuple[str, ...]] | None:
        """The template with the most words that gives this text, and its values; None where there is none."""
        for template, pattern in self._patterns:
            if found := pattern.fullmatch(text):
                return template, found.groups()
        return None

    def translate(self, text: str, lookup: Callable[[str], str]) -> str:
        """The text in another language; as it is where ``lookup`` knows neither it nor its template.

        Values stay as they are, but for those of several words that are known themselves.  A translation names its
        values by number: ``{0}``, ``{1}``.
        """
        if (whole := lookup(text)) != text:
            return whole
        found = self.match(text)
        if found is None:
            return text
        template, values = found
        other = lookup(template)
        if other == template:
            return text
        inner = (self.translate(value, lookup) if " " in value else value for value in values)
        return other.format(*inner)
