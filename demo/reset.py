"""Throw the demo's data away: `python -m demo.reset`. The next start loads them anew."""

import os
import shutil
import sys

from demo import places
from demo.places import DemoRefused


def main() -> None:
    """Exit 0 once nothing is left, 1 with a sentence when the demo is running."""
    folder = places.demo_folder(os.environ)
    if not (folder / places.LOCK).exists():
        sys.stdout.write("Rien à effacer\u00a0: la démonstration n’a pas de données.\n")
        return
    try:
        with places.held(folder):
            shutil.rmtree(folder)
    except DemoRefused as refusal:
        sys.exit(str(refusal))
    sys.stdout.write(f"Démonstration effacée ({folder}). «\u00a0make run\u00a0» la recharge.\n")


if __name__ == "__main__":
    main()
