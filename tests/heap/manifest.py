"""What the tests freeze: what a firmware does, and the steps that they measure, so that these take no heap either."""

include("../../firmware/manifest.py")  # noqa: F821  (the names of a manifest)
for name in ("measure", "measure_common", "measure_dial", "measure_follow", "measure_parts"):
    module(name + ".py")  # noqa: F821
