"""The table of all rules, made from their source: `python -m refnms.autodiff.table`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from refnms.autodiff import rules


def markdown() -> str:
    """One line per rule: the function, its arguments, and the cotangent of each from g and y."""
    head = "| function | arguments | cotangents |\n|---|---|---|\n"
    return head + "".join(
        f"| `{name}` | `{arguments}` | {_cell(cotangents)} |\n"
        for name, arguments, cotangents in rows()
    )


def rows() -> Iterator[tuple[str, str, str]]:
    """Function, arguments and cotangents of every rule, as the source has them, in its order."""
    tree = ast.parse(inspect.getsource(rules))
    helpers = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        value = node.value
        if isinstance(value, ast.Dict) and target != "CONTINUED":
            for key, rule in zip(value.keys, value.values, strict=True):
                if key is not None and isinstance(rule, ast.Lambda):
                    yield (ast.unparse(key), *_told(rule))
        elif isinstance(value, ast.Call) and ast.unparse(value.func) == "_rule":
            rule = value.args[1]
            if isinstance(rule, ast.Lambda):
                yield (target, *_told(rule))
            elif isinstance(rule, ast.Name):
                helper = helpers[rule.id]
                arguments = ast.unparse(helper.args).split(", ", 2)[2]
                plain = ", ".join(a.partition(":")[0] for a in arguments.split(", "))
                yield target, plain, f"see {rule.id}"


def _told(rule: ast.Lambda) -> tuple[str, str]:
    """Arguments after g and y, and the cotangents without the brackets of the tuple."""
    body = rule.body
    cotangents = body.elts if isinstance(body, ast.Tuple) else [body]
    told = ", ".join(map(ast.unparse, cotangents))
    return ast.unparse(rule.args).split(", ", 2)[2], told


def _cell(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    print(markdown(), end="")
