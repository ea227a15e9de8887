"""What a firmware freezes, and the step that follows a full-spec chain."""

import os

beside = {"measure_full_spec.py": os.path.abspath("measure_full_spec.py")}
include("../../firmware/manifest.py", lean=True, beside=beside)  # noqa: F821  (a name of a manifest)
