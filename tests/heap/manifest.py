"""What the tests freeze: what a firmware does, module by module, and the steps that they measure, so that these take no
heap either."""

import os

STEPS = ("measure", "measure_common", "measure_dial", "measure_follow", "measure_parts")
beside = {name + ".py": os.path.abspath(name + ".py") for name in STEPS}
include("../../firmware/manifest.py", lean=True, beside=beside)  # noqa: F821  (a name of a manifest)
