"""Where the long matrices write what they found: one JSON line each, in the file that CLOISTER_SOAK_NOTES names."""

import json
import os


def noted(matrix, **figures):
    """Adds the figures of a matrix; without a file to write to, nothing."""
    if path := os.environ.get("CLOISTER_SOAK_NOTES"):
        with open(path, "a") as notes:
            notes.write(json.dumps({"matrix": matrix, **figures}) + "\n")
