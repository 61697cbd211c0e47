"""Names of all columns and measures, with the version that stands beside them in every manifest.

`python tests/column_names.py` writes them into the golden file, after a raise of COLUMNS_VERSION (recovery.measures.
register) or where a name has come.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from recovery.measures import register, tables
from recovery.stages import known

GOLDEN = Path(__file__).resolve().parent / "golden" / "columns.json"


def written() -> dict[str, Any]:
    """What the golden file holds now, if it were written anew: version, and names with their kinds."""
    columns = {one.name: one.kind for stage in (*known.TRAFFIC, *known.LATER) for one in stage.columns}
    files = {"series": tables.SERIES, "rows": tables.ROWS, "runs": tables.RUNS, "curves": tables.CURVES}
    return {
        "version": register.COLUMNS_VERSION,
        "columns": columns,
        "measures": {one.name: one.kind for one in register.TABLE},
        "files": {name: list(own) for name, own in files.items()},
    }


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(written(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
