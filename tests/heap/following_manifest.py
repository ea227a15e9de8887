"""What a board's whole program is measured with: folded and merged as on the board, with the steps that measure it."""

import os

STEPS = ("measure", "measure_common", "measure_dial", "measure_follow", "measure_parts")
beside = {name + ".py": os.path.abspath(name + ".py") for name in STEPS}
include("../../firmware/manifest.py", merge=True, beside=beside)  # noqa: F821  (a name of a manifest)
