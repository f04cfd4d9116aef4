"""The exceptions of the package have one base."""

import ast
from pathlib import Path

import tradepost


def test_every_exception_of_ours_derives_from_one_base() -> None:
    roots = {
        node.name
        for path in Path(tradepost.__path__[0]).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in {"Exception", "ValueError"} for base in node.bases)
    }
    assert roots == {"TradepostError"}
