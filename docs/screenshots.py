"""Pictures of a page as it looks on a phone, a tablet and a desk, for the docs: the README's small scenario is run, and
Chromium shows its page. `python docs/screenshots.py` makes docs/static/page-*.webp anew.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

STATIC = Path(__file__).resolve().parent / "static"
SIZES = {"phone": (390, 1650), "tablet": (800, 1560), "desk": (1440, 1560)}  # in pixels
NEW = ("new", "--nodes", "30000", "--servers", "3")
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--force-color-profile=srgb")


def main() -> None:
    """Run, show, and write the pictures."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        recovery = (sys.executable, "-m", "recovery")
        scenario = subprocess.run([*recovery, *NEW], check=True, capture_output=True, cwd=folder).stdout
        (folder / "mine.toml").write_bytes(scenario)
        subprocess.run([*recovery, "run", "mine.toml"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        page = (folder / "out" / "mine" / "report.html").as_uri()
        for name, (width, height) in SIZES.items():
            shot = folder / f"{name}.png"
            asked = (f"--screenshot={shot}", f"--window-size={width},{height}", page)
            subprocess.run([*CHROMIUM, *asked], check=True, stderr=subprocess.DEVNULL)
            data = io.BytesIO()
            with Image.open(shot) as image:
                image.convert("RGB").save(data, "WEBP", quality=82, method=6)
            (STATIC / f"page-{name}.webp").write_bytes(data.getvalue())


if __name__ == "__main__":
    main()
