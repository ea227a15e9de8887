"""What a firmware freezes, and the step that follows a full-spec chain."""

include("../../firmware/manifest.py")  # noqa: F821  (the names of a manifest)
module("measure_full_spec.py")  # noqa: F821
