# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the interface can show, read from the sources: labels, tooltips, reports and refusals.

A value within a text is ``{}``, as in the tables of translations.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

INTERFACE = ("operators", "panels")
LIBRARY = tuple(f"handdiff_addon/{room}" for room in ("rig", "conditioning", "models", "diffusion", "scene", "jobs"))
LIBRARY_FILES = ("handdiff_addon/request.py", "handdiff_addon/files.py")

SHOWN = {"text", "heading", "placeholder", "name", "description", "title", "confirm_text", "note", "message", "label"}
"""Keywords whose texts are shown"""
SHOWING = {"wrapped", "tell", "translated", "translated_report", "_count", "named_row"}
"""Functions whose texts are shown"""
NOT_SHOWN = {"HandDiff", "HandDiff {}", "Operator", "Python", "Screen"}
UNREAD = {"japanese", "diagnostics.py"}
"""The tables themselves, and the words of the diagnostics, which are English for whoever reads them"""
_WORDS = re.compile(r"[A-Z][a-z]+([ ,.:;'>()-].*|s?)|[A-Z][a-z]* .*", re.DOTALL)
_LETTER = re.compile(r"[A-Za-z]{2}")


def template(node: ast.AST) -> str | None:
    """A string of the source, with ``{}`` for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def texts(root: Path) -> dict[str, str]:
    """The texts, each with a place where it stands."""
    found: dict[str, str] = {}
    for folder in INTERFACE:
        for path in sorted((root / folder).rglob("*.py")):
            if not UNREAD.intersection(path.parts):
                _add(found, _of_interface(ast.parse(path.read_text(encoding="utf-8"))), path)
    files = [path for folder in LIBRARY for path in sorted((root / folder).rglob("*.py"))]
    for path in (*files, *(root / name for name in LIBRARY_FILES)):
        _add(found, _of_library(ast.parse(path.read_text(encoding="utf-8"))), path)
    return found


def _add(found: dict[str, str], more: Iterator[tuple[str, int]], path: Path) -> None:
    for text, line in more:
        if text not in NOT_SHOWN and _LETTER.search(text.replace("{}", "")):
            found.setdefault(text, f"{path.name}:{line}")


def _of_interface(tree: ast.Module) -> Iterator[tuple[str, int]]:
    unseen = _documentation(tree) | _inside_strings(tree) | _annotations(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _registered(node) and (text := ast.get_docstring(node)):
            yield text, node.lineno
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            shown = [keyword.value for keyword in node.keywords if keyword.arg in SHOWN]
            for argument in (*shown, *(node.args if name in SHOWING else ())):
                for part in _branches(argument):
                    if (text := template(part)) and not text.isupper():
                        yield text, node.lineno
        text = None if id(node) in unseen else template(node)
        if text and _WORDS.fullmatch(text):
            yield text, node.lineno  # type: ignore[attr-defined]


def _of_library(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What is refused and what is warned of."""
    for node in ast.walk(tree):
        calls = []
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            calls.append(node.exc)
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = ast.unparse(node.func)
            if name.endswith(("Error", "Cancelled", "Device")) or owner.endswith("warnings.append"):
                calls.append(node)
        if isinstance(node, ast.Return) and node.value is not None:
            for part in _branches(node.value):
                if (text := template(part)) and _WORDS.fullmatch(text) and text.rstrip().endswith("."):
                    yield text, node.lineno
        for call in calls:
            for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
                for part in _branches(argument):
                    if text := template(part):
                        yield text, node.lineno  # type: ignore[attr-defined]


def _branches(node: ast.AST) -> Iterator[ast.AST]:
    """An expression, or what its conditions choose among."""
    if isinstance(node, ast.IfExp):
        yield from _branches(node.body)
        yield from _branches(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _branches(value)
    else:
        yield node


def _registered(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Operator") for base in node.bases)


def _documentation(tree: ast.Module) -> set[int]:
    return {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}


def _inside_strings(tree: ast.Module) -> set[int]:
    """Parts of strings that are looked at as a whole."""
    return {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in ast.walk(n) if part is not n}


def _annotations(tree: ast.Module) -> set[int]:
    """Strings in types and the names of types and nodes."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            found |= {id(part) for part in ast.walk(node.slice)}
    return found
