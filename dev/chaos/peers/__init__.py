"""The same adversary, pointed at released providers beside ours."""
