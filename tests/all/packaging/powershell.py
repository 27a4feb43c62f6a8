"""powershell.py FILE…: parses scripts by tree-sitter-powershell. Ends with 1 and the place of the first error."""

import sys

import tree_sitter
import tree_sitter_powershell


def wrong(node):
    """Returns the first node that the grammar does not have."""
    if node.type == "ERROR" or node.is_missing:
        return node
    return next((found for child in node.children if (found := wrong(child))), None)


parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        # A call with a block as its only argument and without parentheses, which this grammar does not have.
        text = file.read().replace(b".Where{", b" | Where-Object {")
    if error := wrong(parser.parse(text).root_node):
        sys.exit(f"{path}:{error.start_point.row + 1}: {error.text[:60]!r}")
