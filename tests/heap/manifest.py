"""What the tests freeze: what a firmware does, and the steps that they measure, so that these take no heap either."""

include("../../firmware/manifest.py")  # noqa: F821  (the names of a manifest)
module("measure.py")  # noqa: F821
